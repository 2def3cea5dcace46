/* Checks an entry's proof in the reader's own browser: RFC 9162, C2SP signed-note and tlog-proof, DSSE.
   It asks the server for the entry's bytes and its receipt, and believes nothing else of it but the key
   that the page names, which the reader compares with the one noted down. Only Ed25519 and SHA-256: no
   browser has SM2 and SM3, so what is signed by those is checked on the server, and then not all is checked
   here. What a server can leave out or put off is never "everything holds". */
"use strict";
(() => {
  const KEPT = "databourse:checkpoint:";
  const forget = () => {
    try {
      const names = Object.keys(localStorage).filter((name) => name.startsWith(KEPT));
      names.forEach((name) => localStorage.removeItem(name));
    } catch (error) {
      if (error.name !== "SecurityError") throw error; // it may keep nothing, and so keeps nothing
    }
  };
  document.querySelectorAll("form[data-forget]").forEach((form) => form.addEventListener("submit", forget));
  const box = document.getElementById("verify");
  if (!box) return;
  const told = box.dataset;
  const text = new TextEncoder();
  const DASH = "\u2014 ";
  const MOST = 262144;
  const FINE = ["first", "closed", "unasked"]; // reasons for a step not asked that leave nothing to doubt

  class Unreached extends Error {}

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (digits) => Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
  const join = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  const same = (one, other) => hex(one) === hex(other);
  const unbase64 = (encoded) => {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    if (btoa(String.fromCharCode(...bytes)) !== encoded) throw new Error("base64");
    return bytes;
  };
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const leafHash = (entry) => sha256(join(Uint8Array.of(0), entry));
  const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));
  const signed = async (raw, message, signature) => {
    const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
  };

  /* RFC 9162 section 2.1.3.2 */
  const rootFromInclusion = async (index, size, leaf, path) => {
    if (index < 0n || index >= size) throw new Error("index");
    let at = index;
    let last = size - 1n;
    let found = leaf;
    for (const sibling of path) {
      if (last === 0n) throw new Error("long");
      if (at & 1n || at === last) {
        found = await nodeHash(sibling, found);
        while (!(at & 1n) && at !== 0n) {
          at >>= 1n;
          last >>= 1n;
        }
      } else {
        found = await nodeHash(found, sibling);
      }
      at >>= 1n;
      last >>= 1n;
    }
    if (last !== 0n) throw new Error("short");
    return found;
  };

  /* RFC 9162 section 2.1.4.2 */
  const extends_ = async (old, size, oldRoot, root, proof) => {
    if (old === size) return proof.length === 0 && same(oldRoot, root);
    if (old < 1n || old > size || proof.length === 0) return false;
    const path = old & (old - 1n) ? proof.slice() : [oldRoot, ...proof];
    let at = old - 1n;
    let last = size - 1n;
    while (at & 1n) {
      at >>= 1n;
      last >>= 1n;
    }
    let before = path[0];
    let after = path[0];
    for (const sibling of path.slice(1)) {
      if (last === 0n) return false;
      if (at & 1n || at === last) {
        before = await nodeHash(sibling, before);
        after = await nodeHash(sibling, after);
        while (!(at & 1n) && at !== 0n) {
          at >>= 1n;
          last >>= 1n;
        }
      } else {
        after = await nodeHash(after, sibling);
      }
      at >>= 1n;
      last >>= 1n;
    }
    return last === 0n && same(before, oldRoot) && same(after, root);
  };

  const vkeyOf = async (line) => {
    const [name, id, ...rest] = line.split("+");
    const material = unbase64(rest.join("+"));
    const computed = (await sha256(join(text.encode(`${name}\n`), material))).slice(0, 4);
    if (hex(computed) !== id) throw new Error("vkey");
    return { name, id, kind: material[0], raw: material.slice(1) };
  };

  const noteOf = (note) => {
    const at = note.lastIndexOf("\n\n");
    const lines = note.slice(at + 2).split("\n");
    if (at < 0 || lines.pop() !== "") throw new Error("note");
    const body = note.slice(0, at + 1);
    const [origin, size, root] = body.split("\n");
    if (!/^(0|[1-9][0-9]{0,18})$/.test(size)) throw new Error("size");
    const lines_ = lines.map((line) => {
      const [name, packed] = line.slice(DASH.length).split(" ");
      const bytes = unbase64(packed);
      return { name, id: hex(bytes.slice(0, 4)), sig: bytes.slice(4) };
    });
    return { body, origin, size: BigInt(size), root: unbase64(root), lines: lines_ };
  };

  const receiptOf = (receipt) => {
    const at = receipt.indexOf("\n\n");
    const lines = receipt.slice(0, at).split("\n");
    if (at < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Error("receipt");
    if (lines[0].startsWith("extra ")) lines.shift();
    const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift());
    return { index: BigInt(index[1]), path: lines.map(unbase64), note: noteOf(receipt.slice(at + 2)) };
  };

  const signedNote = async (note, vkey) => {
    const line = note.lines.find((one) => one.name === vkey.name && one.id === vkey.id);
    if (!line) return null;
    let message = text.encode(note.body);
    let sig = line.sig;
    if (vkey.kind === 4) {
      const time = new DataView(sig.buffer, sig.byteOffset, 8).getBigUint64(0);
      message = join(text.encode(`cosignature/v1\ntime ${time}\n`), message);
      sig = sig.slice(8);
    }
    return signed(vkey.raw, message, sig);
  };

  const fetched = async (address) => {
    let answer;
    let bytes;
    try {
      answer = await fetch(address, { headers: { accept: "*/*" }, cache: "no-store" });
      bytes = new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      throw new Unreached(`${error.message || error}`);
    }
    if (!answer.ok) throw new Unreached(`${answer.status}`);
    if (bytes.length > MOST) throw new Error("too long");
    return bytes;
  };

  const steps = {
    async content({ entry, leaf, receipt }) {
      const document_ = JSON.parse(new TextDecoder().decode(entry));
      const holds = hex(leaf) === told.leaf && BigInt(document_.seq) === receipt.index && `${receipt.index}` === told.seq;
      return [holds, [["SHA-256", hex(leaf)], ["", told.leaf]]];
    },
    async signature({ entry }) {
      const { envelope } = JSON.parse(new TextDecoder().decode(entry));
      const keys = JSON.parse(told.keys);
      const payload = unbase64(envelope.payload);
      const kind = text.encode(envelope.payloadType);
      const head = text.encode(`DSSEv1 ${kind.length} ${envelope.payloadType} ${payload.length} `);
      const values = [];
      let holds = envelope.signatures.length > 0;
      let foreign = false;
      for (const { keyid, sig } of envelope.signatures) {
        const raw = unbase64(keys[keyid] || "");
        values.push(["", keyid]);
        holds = holds && hex(await sha256(raw)) === keyid;
        if (raw.length === 65) foreign = true;
        else holds = holds && (await signed(raw, join(head, payload), unbase64(sig)));
      }
      return holds && foreign ? [null, values, "sm2"] : [holds, values];
    },
    async inclusion({ leaf, receipt: { index, path, note } }) {
      const root = await rootFromInclusion(index, note.size, leaf, path);
      const values = path.map((hash, at) => [`${at + 1}`, hex(hash)]);
      return [same(root, note.root), [...values, ["=", hex(root)], ["", hex(note.root)]]];
    },
    async checkpoint({ receipt: { note } }) {
      const vkey = await vkeyOf(told.vkey);
      const holds = vkey.kind === 1 && vkey.name === note.origin && (await signedNote(note, vkey)) === true;
      return [holds, [["", told.vkey], ["", note.body]]];
    },
    async witness({ receipt: { note } }) {
      const keys = JSON.parse(told.witnesses);
      if (!keys.length) return [null, [], "unasked"];
      const by = [];
      for (const key of keys) {
        const vkey = await vkeyOf(key);
        const holds = await signedNote(note, vkey);
        if (holds === false) return [false, [["", key]]];
        if (holds) by.push(["", vkey.name]);
      }
      return by.length ? [true, by] : [null, [], "unwitnessed"];
    },
    async consistency({ receipt: { note } }, before) {
      const place = `${KEPT}${note.origin}`;
      const now = { vkey: told.vkey, size: `${note.size}`, root: hex(note.root) };
      let kept;
      try {
        kept = JSON.parse(localStorage.getItem(place) || "null");
      } catch (error) {
        if (error.name !== "SecurityError") throw error;
        return [null, [], "forgetful"];
      }
      const keep = () => before && localStorage.setItem(place, JSON.stringify(now));
      if (!kept) {
        if (!told.consistency) return [null, [], "closed"];
        const others = Object.keys(localStorage).filter((name) => name.startsWith(KEPT));
        keep();
        const named = others.map((name) => ["", name.slice(KEPT.length)]);
        return [null, [["", now.size], ["", now.root], ...named], others.length ? "renamed" : "first"];
      }
      const values = [["", kept.size], ["", kept.root]];
      if (!JSON.parse(told.vkeys).includes(kept.vkey)) return [false, [["", kept.vkey], ...values], "other"];
      const was = { size: BigInt(kept.size), root: unhex(kept.root) };
      const is = { size: note.size, root: note.root };
      if (!told.consistency && was.size < is.size) return [null, values, "ended"];
      if (!told.consistency) return [was.size === is.size && same(was.root, is.root), values];
      const [old, large] = was.size <= is.size ? [was, is] : [is, was];
      const answer = await fetched(`${told.consistency}?old=${old.size}&size=${large.size}`).catch((error) => {
        if (error.message === "404") throw new Error("404"); // the log was as long once, and is not now
        throw error;
      });
      const path = JSON.parse(new TextDecoder().decode(answer)).path.map(unhex);
      const holds = await extends_(old.size, large.size, old.root, large.root, path);
      if (holds && is.size >= was.size) keep();
      return [holds, [...values, ...path.map((hash, at) => [`${at + 1}`, hex(hash)])]];
    },
  };

  const show = (name, [holds, values, why]) => {
    const step = box.querySelector(`[data-step="${name}"]`);
    const mark = step.querySelector(".mark");
    mark.textContent = holds === null ? "–" : holds ? "✓" : "✗";
    mark.className = `mark ${holds === null ? "soft" : holds ? "good" : "bad"}`;
    const said = holds === null ? told.sayUnasked : holds ? told.sayHolds : told.sayFails;
    step.querySelector(".skip").textContent = `${said}: `;
    step.querySelector(".hint").textContent = why ? told[`why${why[0].toUpperCase()}${why.slice(1)}`] : "";
    const list = step.querySelector("pre");
    list.textContent = values.map(([label, value]) => `${label} ${value}`.trim()).join("\n");
  };

  const asked = async (step, facts, before) => {
    try {
      return await step(facts, before);
    } catch (error) {
      const why = error instanceof Unreached ? "unreached" : "";
      return [why ? null : false, [["", `${error.message || error}`]], why];
    }
  };

  /* What is said at the end, and in which colour: the worst of all steps. */
  const verdict = (answers) => {
    const why = Object.values(answers).flatMap(([holds, , reason]) => (holds === null ? [reason] : []));
    if (Object.values(answers).some(([holds]) => holds === false)) return [told.sayNot, "bad"];
    if (why.includes("unreached")) return [told.sayUnreached, "warn"];
    if (why.some((reason) => !FINE.includes(reason))) return [told.sayPartly, "warn"];
    return [answers.witness[0] ? told.sayAll : `${told.sayAll} ${told.sayAlone}`, "good"];
  };

  const verify = async () => {
    const button = box.querySelector("button");
    const result = box.querySelector("[role=status]");
    button.disabled = true;
    result.textContent = told.sayBusy;
    box.querySelector(".steps").hidden = false;
    Object.keys(steps).forEach((name) => show(name, [null, []]));
    const answers = {};
    const gather = async () => {
      const entry = told.bytes ? unbase64(told.bytes) : await fetched(told.entry);
      const receipt = receiptOf(new TextDecoder("utf-8", { fatal: true }).decode(await fetched(told.receipt)));
      const facts = { entry, receipt, leaf: await leafHash(entry) };
      for (const [name, step] of Object.entries(steps)) {
        const before = Object.values(answers).every(([holds]) => holds !== false);
        answers[name] = await asked(step, facts, before);
        show(name, answers[name]);
      }
    };
    const stopped = await asked(gather);
    if (stopped) {
      answers.content = stopped;
      show("content", stopped);
    }
    const [says, colour] = verdict(answers);
    result.textContent = says;
    result.className = colour;
    const alarm = document.getElementById("verify-alarm");
    if (colour === "bad") alarm.hidden = false;
    else if (colour === "good") alarm.hidden = true; // what was found stays until it is found to hold
    if (colour === "bad") alarm.focus();
    button.disabled = false;
  };

  const able = async () => {
    if (!window.isSecureContext) return told.sayInsecure;
    if (!window.crypto || !crypto.subtle) return told.sayAbsent;
    try {
      await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
      return "";
    } catch (error) {
      return error.name === "NotSupportedError" ? told.sayAbsent : "";
    }
  };

  able().then((why) => {
    box.hidden = false;
    const button = box.querySelector("button");
    if (why) {
      button.hidden = true;
      box.querySelector("[role=status]").textContent = why;
    } else {
      button.addEventListener("click", verify);
    }
  });
})();
