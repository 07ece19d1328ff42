import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { fault } from './faults.ts'
import { GCM_IV_BYTES, GCM_TAG_BYTES, gcmOpen, gcmSeal } from './gcm.ts'
import { type Keys, readKeys, writeKeys } from './key-file.ts'
import type { Keyring } from './keyring.ts'
import type { Purpose } from './sealed.ts'

const KEY_BYTES = 32
const NOTHING = new Uint8Array()

/**
 * A keyring in one file of mode 0600: a random key of 256 bits per purpose, made at its first use and on the
 * disk before anything is wrapped with it. One process at a time may hold the file; the storage beside it,
 * which locks its directory, sees to that.
 *
 * Throws `vault.keyring_exposed` when others can read the file, `vault.keyring_unreadable` when it is no keyring.
 */
export async function openLocalKeyring({ file }: { readonly file: string }): Promise<Keyring> {
  let keys: Keys = await readKeys(file)
  let lastTurn: Promise<unknown> = Promise.resolve()

  return {
    async generate(purpose, context) {
      const kekName = nameOf(purpose)
      const kek = keys.get(kekName) ?? (await add(kekName))
      const bytes = randomBytes(KEY_BYTES)
      const dataKey = { kekName, dek: createSecretKey(bytes), wrapped: wrap(kek, context, bytes) }
      bytes.fill(0)
      return dataKey
    },
    async unwrap(kekName, wrapped, context) {
      const kek = keys.get(kekName)
      if (kek === undefined) throw fault.unopenable({ detail: `no key ${kekName} in the keyring` })
      return unwrap(kek, context, wrapped)
    },
  }

  /** Takes turns: whoever comes second finds the key that the first has made. */
  function add(name: string): Promise<KeyObject> {
    const turn = lastTurn.then(async () => {
      // From the file, so that keys it was given meanwhile are never overwritten.
      const present = await readKeys(file)
      const key = present.get(name) ?? createSecretKey(randomBytes(KEY_BYTES))
      const next = new Map(present).set(name, key)
      if (!present.has(name)) await writeKeys(file, next)
      keys = next
      return key
    })
    lastTurn = turn.catch(() => undefined)
    return turn
  }
}

function nameOf(purpose: Purpose): string {
  return `local/${purpose}/1`
}

/** `iv 12 | wrapped key 32 | tag 16` */
function wrap(kek: KeyObject, context: Uint8Array, dek: Uint8Array): Uint8Array {
  const iv = randomBytes(GCM_IV_BYTES)
  return Buffer.concat([iv, gcmSeal(wrappingKey(kek, context), iv, NOTHING, dek)])
}

function unwrap(kek: KeyObject, context: Uint8Array, wrapped: Uint8Array): KeyObject {
  if (wrapped.length !== GCM_IV_BYTES + KEY_BYTES + GCM_TAG_BYTES) {
    throw fault.unopenable({ detail: 'a wrapped key of another length' })
  }
  try {
    const iv = wrapped.subarray(0, GCM_IV_BYTES)
    const bytes = gcmOpen(wrappingKey(kek, context), iv, NOTHING, wrapped.subarray(GCM_IV_BYTES))
    const dek = createSecretKey(bytes)
    bytes.fill(0)
    return dek
  } catch (cause) {
    throw fault.unopenable({ detail: 'a wrapped key of another keyring or context', cause })
  }
}

/** A key per context, as OpenBao's derived keys are: random ivs never run out (SP 800-38D: 2^32 per key). */
function wrappingKey(kek: KeyObject, context: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha512', kek, NOTHING, context, KEY_BYTES))
}
