import { readFile, writeFile } from 'node:fs/promises'

/**
 * The private key a process keeps in a file that its owner alone reads: made at the first start, the same ever after.
 * `Key` is what `generate` makes and this file alone holds.
 */
export async function keyFrom<Key>(file: string, generate: () => Promise<Key>): Promise<Key> {
  try {
    await writeFile(file, JSON.stringify(await generate()), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return JSON.parse(await readFile(file, 'utf8')) as Key
}
