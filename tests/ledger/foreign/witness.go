package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// seen is a witness's whole memory of a log.
type seen struct {
	size int64
	root tlog.Hash
}

var memory = map[string]seen{}

// witness answers an add-checkpoint of c2sp.org/tlog-witness by Go's own note and tlog code.
func (r *request) witness(said *answer) {
	said.Status, said.Body = 400, ""
	body, err := base64.StdEncoding.DecodeString(r.Submission)
	if err != nil {
		return
	}
	cut := bytes.Index(body, []byte("\n\n"))
	if cut < 0 {
		return
	}
	lines := strings.Split(string(body[:cut]), "\n")
	msg := body[cut+2:]
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil || lines[0] != fmt.Sprintf("old %d", old) || old < 0 || len(lines) > 64 {
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return
		}
		proof = append(proof, hash)
	}
	text := strings.SplitN(string(msg), "\n", 4)
	if len(text) < 4 {
		return
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil || text[1] != strconv.FormatInt(size, 10) || size < 0 {
		return
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		return
	}
	origin := text[0]
	var keys []note.Verifier
	for _, vkey := range r.Vkeys {
		if key, err := note.NewVerifier(vkey); err == nil && key.Name() == origin {
			keys = append(keys, key)
		}
	}
	if _, err := note.Open(msg, note.VerifierList(keys...)); err != nil {
		switch err.(type) {
		case *note.UnverifiedNoteError, *note.InvalidSignatureError:
			said.Status = 403
			if len(keys) == 0 {
				said.Status = 404
			}
		}
		return
	}
	if old > size {
		return
	}
	known := memory[origin]
	if old != known.size {
		said.Status, said.Body = 409, fmt.Sprintf("%d\n", known.size)
		return
	}
	said.Status = 422
	if old == 0 {
		if len(proof) > 0 {
			return
		}
	} else if tlog.CheckTree(proof, size, root, old, known.root) != nil {
		return
	}
	memory[origin] = seen{size, root}
	signed := msg[:bytes.LastIndex(msg, []byte("\n\n"))+1]
	said.Status, said.Body = 200, r.cosign(string(signed))
}

func (r *request) cosign(text string) string {
	seed, err := base64.StdEncoding.DecodeString(r.Seed)
	if err != nil {
		panic(err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	public := base64.StdEncoding.EncodeToString(append([]byte{cosignature}, key.Public().(ed25519.PublicKey)...))
	var id [4]byte
	binary.BigEndian.PutUint32(id[:], keyHash(r.Name, public))
	var at [8]byte
	now := time.Now().Unix()
	binary.BigEndian.PutUint64(at[:], uint64(now))
	sig := ed25519.Sign(key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", now, text)))
	line := append(append(id[:], at[:]...), sig...)
	return fmt.Sprintf("— %s %s\n", r.Name, base64.StdEncoding.EncodeToString(line))
}
