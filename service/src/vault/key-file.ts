import { createSecretKey, type KeyObject } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isObject } from '#kernel'
import { fault } from './faults.ts'

/** Key-encryption keys by name. */
export type Keys = ReadonlyMap<string, KeyObject>

const KEY = /^[A-Za-z0-9_-]{43}$/
const OTHERS = 0o077
// Windows has neither modes nor directories that can be flushed.
const posix = process.platform !== 'win32'

/**
 * The keys in a file `{"keys": {"local/signing/1": "<base64url>"}}`; none when there is no file.
 * Throws `vault.keyring_exposed` when its group or others may touch it, `vault.keyring_unreadable` when it is
 * not such a file. Nothing of its contents reaches the error.
 */
export async function readKeys(file: string): Promise<Keys> {
  const text = await readPrivate(file)
  return text === undefined ? new Map() : parseKeys(text, file)
}

/** Replaces the file at once and durably: after a crash it is the old one or the new one, whole. */
export async function writeKeys(file: string, keys: Keys): Promise<void> {
  const entries = [...keys].map(([name, key]) => [name, key.export().toString('base64url')])
  const text = `${JSON.stringify({ keys: Object.fromEntries(entries) }, undefined, 2)}\n`
  const temporary = `${file}.new`
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // What a crash left behind may have another mode.
    await rm(temporary, { force: true })
    await writeDurably(temporary, text)
    await rename(temporary, file)
    if (posix) await flushDirectory(dirname(file))
  } catch (cause) {
    throw fault.keyring_unwritable({ detail: file, cause })
  }
}

async function readPrivate(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw fault.keyring_unreadable({ detail: file, cause })
  })
  if (handle === undefined) return undefined
  try {
    const { mode } = await handle.stat()
    if (posix && (mode & OTHERS) !== 0) throw fault.keyring_exposed({ detail: `chmod 600 ${file}` })
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function parseKeys(text: string, file: string): Keys {
  const document = parseJson(text)
  const keys = isObject(document) ? document['keys'] : undefined
  if (!isObject(keys)) throw fault.keyring_unreadable({ detail: `${file} is not a keyring` })
  return new Map(
    Object.entries(keys).map(([name, value]) => {
      if (typeof value !== 'string' || !KEY.test(value)) {
        throw fault.keyring_unreadable({ detail: `${file}: ${name} is not a key of 256 bits` })
      }
      return [name, createSecretKey(value, 'base64url')]
    }),
  )
}

/** Undefined when it is not JSON: the parser's own error would quote the keys. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
