/**
 * Holds the generated documents against the code they describe: says which are stale and ends with 1, or writes them
 * (`--write`, which is `npm run docs`).
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { generatedDocs } from './docs/generated-docs.ts'

const write = process.argv.includes('--write')
const root = new URL('..', import.meta.url)

for (const [name, text] of Object.entries(await generatedDocs())) {
  const file = fileURLToPath(new URL(name, root))
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) continue
  if (write) await writeFile(file, text)
  else process.exitCode = 1
  console.log(write ? `Wrote ${name}.` : `${name} is stale. Run npm run docs.`)
}
