import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { type ClientKey, generateClientKey, importClientKey } from './client-key.ts'

/**
 * The client key that lies in a file: made at the first start, readable by its owner alone, and the same ever after, for
 * every process that starts with it. Throws for a file that holds anything else.
 */
export async function clientKeyFile(path: string): Promise<ClientKey> {
  const text = await readFile(path, 'utf8').catch(absent)
  if (text !== undefined) return importClientKey(parsed(text, path))
  await create(path, JSON.stringify(await generateClientKey()))
  return clientKeyFile(path)
}

/** Whole or not at all, and never over another: two processes that start at once end with one key. */
async function create(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function parsed(text: string, path: string): JWK {
  try {
    return JSON.parse(text) as JWK
  } catch {
    throw new Error(`${path} holds no client key. Remove it, and the next start makes one.`)
  }
}
