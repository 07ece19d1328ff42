import { readFile, rename, writeFile } from 'node:fs/promises'
import { type Company, people } from '../company.ts'
import { passwordHash } from './passwords.ts'
import { Problem } from './problem.ts'
import { configuration } from './template.ts'

/**
 * Makes sure that `file` configures this company. A file for the same ports is kept as it is, edits included;
 * one for other ports is put aside as `FILE.before`.
 * Throws {@link Problem} for one of an earlier demo, which knew other agents: somebody could not sign in.
 */
export async function ensureConfiguration(file: string, company: Company): Promise<void> {
  const present = await read(file)
  if (present !== undefined && addressOf(present) === company.publicUrl) {
    if (!present.includes(`jwks_uri: ${company.agent}/planner/jwks`)) throw new Problem(ofEarlierDemo(file))
    return
  }
  if (present !== undefined) await rename(file, `${file}.before`)
  await writeFile(file, configuration(company, await hashes()), { mode: 0o600 })
}

function ofEarlierDemo(file: string): string {
  return `${file} is of an earlier demo, which knew other agents than this one. Move the file away and start again.`
}

function addressOf(text: string): string | undefined {
  return /^publicUrl:\s*(\S+)/m.exec(text)?.[1]
}

async function hashes(): Promise<Readonly<Record<string, string>>> {
  const entries = people.map(
    async ({ username, password }) => [username, await passwordHash(password)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
