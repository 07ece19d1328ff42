import { parseArgs } from 'node:util'

/** Reads `--name value` for each name. Throws a sentence that names the first one that is missing or unknown. */
export function readFlags<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, string>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ args: process.argv.slice(2), options })
  const missing = names.find((name) => typeof values[name] !== 'string')
  if (missing !== undefined)
    throw new Error(`--${missing} is missing: all of --${names.join(', --')} are needed`)
  return values as Record<Name, string>
}
