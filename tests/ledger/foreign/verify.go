// Verifies what Databourse publishes with Go's own transparency log code: golang.org/x/mod/sumdb, the
// client of the Go checksum database. Nothing of Databourse is used here but the formats of
// docs/ledger.md and c2sp.org.
//
// One JSON request a line on standard input, one JSON answer a line on standard output. A request names a
// folder with a log's files; "put" replaces files by other bytes, so that mutations need no copies.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a tile: 256 hashes wide

type request struct {
	Folder    string            `json:"folder"`
	Vkeys     []string          `json:"vkeys"`
	Witnesses []string          `json:"witnesses"` // each of them must have cosigned the checkpoint
	Kept      []string          `json:"kept"`      // paths of earlier checkpoints
	Receipts  map[string]string `json:"receipts"`  // path of a receipt: path of its entry's bytes
	Put       map[string]string `json:"put"`       // path: base64 of other bytes

	Submission string `json:"submission"` // base64 of an add-checkpoint: then this is a witness,
	Name       string `json:"name"`       // of this name,
	Seed       string `json:"seed"`       // with this key (base64)
	Forget     bool   `json:"forget"`     // that has seen nothing yet
}

type answer struct {
	Size    int64  `json:"size"`
	Entries int64  `json:"entries"`
	Why     string `json:"why"`

	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		said := answer{}
		if err := json.Unmarshal(line, &asked); err != nil {
			said.Why = "request: " + err.Error()
		} else if asked.Forget {
			memory = map[string]seen{}
		} else if asked.Name != "" {
			asked.witness(&said)
		} else if err := asked.verify(&said); err != nil {
			said.Why = err.Error()
		}
		if err := out.Encode(said); err != nil {
			panic(err)
		}
	}
}

func (r *request) verify(said *answer) error {
	tree, err := r.checkpoint("checkpoint", true)
	if err != nil {
		return err
	}
	said.Size = tree.N
	hashes := tlog.TileHashReader(tree, &tiles{r, make(map[string][]byte)})
	entries, err := r.entries(tree.N)
	if err != nil {
		return err
	}
	if err := proveAll(entries, tree, hashes); err != nil {
		return err
	}
	said.Entries = int64(len(entries))
	older := []tlog.Tree{tree}
	for _, path := range r.Kept {
		kept, err := r.checkpoint(path, false)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		older = append(older, kept)
	}
	for _, large := range older {
		for _, small := range older {
			if small.N > large.N {
				continue
			}
			proof, err := tlog.ProveTree(large.N, small.N, hashes)
			if err != nil {
				return fmt.Errorf("%d in %d: %w", small.N, large.N, err)
			}
			if err := tlog.CheckTree(proof, large.N, large.Hash, small.N, small.Hash); err != nil {
				return fmt.Errorf("%d in %d: %w", small.N, large.N, err)
			}
		}
	}
	for path, entry := range r.Receipts {
		if err := r.receipt(path, entry); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// proveAll compares every entry with the authenticated hash of its leaf, and proves every seventeenth and the
// last one with a proof of its own.
func proveAll(entries [][]byte, tree tlog.Tree, hashes tlog.HashReader) error {
	var indexes []int64
	for n := range entries {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(n)))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for n, entry := range entries {
		if leaves[n] != tlog.RecordHash(entry) {
			return fmt.Errorf("entry %d: not the one in the tree", n)
		}
		if n%17 != 0 && n != len(entries)-1 {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, int64(n), hashes)
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(n), leaves[n]); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return nil
}

// checkpoint opens a signed note and reads origin, size and root (c2sp.org/tlog-checkpoint).
func (r *request) checkpoint(path string, witnessed bool) (tlog.Tree, error) {
	data, err := r.read(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	return r.open(data, witnessed)
}

func (r *request) open(data []byte, witnessed bool) (tlog.Tree, error) {
	var known []note.Verifier
	names := make(map[string]bool)
	for _, vkey := range r.Vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return tlog.Tree{}, err
		}
		known = append(known, verifier)
		names[verifier.Name()] = true
	}
	for _, vkey := range r.Witnesses {
		verifier, err := newCosigner(vkey)
		if err != nil {
			return tlog.Tree{}, err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(known...))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || !names[lines[0]] {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	var logs, witnesses int
	for _, signature := range opened.Sigs {
		if signature.Name == lines[0] {
			logs++
		} else {
			witnesses++
		}
	}
	if logs == 0 || (witnessed && witnesses < len(r.Witnesses)) {
		return tlog.Tree{}, errors.New("a signature is missing")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("bad size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	return tlog.Tree{N: size, Hash: root}, nil
}

// receipt verifies a c2sp.org/tlog-proof against the bytes of its entry.
func (r *request) receipt(path, entry string) error {
	data, err := r.read(path)
	if err != nil {
		return err
	}
	leaf, err := r.read(entry)
	if err != nil {
		return err
	}
	head, signed, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil || fmt.Sprintf("index %d", number) != lines[1] {
		return errors.New("no index")
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := r.open(signed, true)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, number, tlog.RecordHash(leaf))
}

// entries cuts the entry tiles: each entry behind its length as a big-endian 16-bit number.
func (r *request) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for first := int64(0); first < size; first += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: 1 << height}
		if size-first < 1<<height {
			tile.W = int(size - first)
		}
		data, err := r.read(place(tile))
		if err != nil {
			return nil, err
		}
		for count := 0; count < tile.W; count++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, errors.New(place(tile) + ": cut off")
			}
			length := 2 + int(binary.BigEndian.Uint16(data))
			found = append(found, data[2:length])
			data = data[length:]
		}
		if len(data) > 0 {
			return nil, errors.New(place(tile) + ": longer than its entries")
		}
	}
	return found, nil
}

func (r *request) read(path string) ([]byte, error) {
	if other, ok := r.Put[path]; ok {
		return base64.StdEncoding.DecodeString(other)
	}
	return os.ReadFile(filepath.Join(r.Folder, filepath.FromSlash(path)))
}

// place is where c2sp.org/tlog-tiles puts a tile: as the checksum database does, without the height, and
// with "entries" for "data".
func place(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tile.H))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

type tiles struct {
	from  *request
	known map[string][]byte
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		path := place(tile)
		data, ok := t.known[path]
		if !ok {
			var err error
			if data, err = t.from.read(path); err != nil {
				return nil, err
			}
		}
		found = append(found, data)
	}
	return found, nil
}

// SaveTiles is told of tiles that were proved against the checkpoint.
func (t *tiles) SaveTiles(proved []tlog.Tile, data [][]byte) {
	for at, tile := range proved {
		t.known[place(tile)] = data[at]
	}
}
