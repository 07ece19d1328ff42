import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Secret } from '#kernel'
import { fault, unresolved } from './faults.ts'

const FILE_BYTES_MAX = 65_536
const VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/
const FILE = /^file:\/\/\/[^?#\0]+$/

/** Secrets by reference, so that no configuration holds one. */
export interface Secrets {
  /**
   * What `env:NAME` or `file:///absolute/path` refers to now; the file without its last line break.
   * Throws `secrets.reference_invalid` for anything else, `secrets.unresolved` when nothing is there.
   */
  resolve(reference: string): Promise<Secret>
}

export function createSecrets({ environment }: SecretsDeps): Secrets {
  return {
    async resolve(reference) {
      const variable = VARIABLE.exec(reference)?.[1]
      if (variable !== undefined) return fromEnvironment(environment, variable)
      if (isReference(reference)) return fromFile(reference)
      throw fault.reference_invalid()
    },
  }
}

/** Whether a value has the form of a reference. One that has not may be a secret: do not print it. */
export function isReference(value: unknown): value is string {
  return typeof value === 'string' && (VARIABLE.test(value) || FILE.test(value))
}

interface SecretsDeps {
  readonly environment: Readonly<Record<string, string | undefined>>
}

function fromEnvironment(environment: SecretsDeps['environment'], name: string): Secret {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined
  if (value === undefined || value === '') throw unresolved(`env:${name}`)
  return new Secret(value)
}

async function fromFile(reference: string): Promise<Secret> {
  const value = await readText(reference).catch((cause: unknown) => {
    throw unresolved(reference, cause)
  })
  if (value === undefined || value === '') throw unresolved(reference)
  return new Secret(value)
}

/** Undefined for what is no file of a sensible size: a pipe would hold the start, a device would never end. */
async function readText(reference: string): Promise<string | undefined> {
  const path = fileURLToPath(reference)
  const found = await stat(path)
  if (!found.isFile() || found.size > FILE_BYTES_MAX) return undefined
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  return text.replace(/\r?\n$/, '')
}
