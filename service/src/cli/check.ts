import { parseArgs } from 'node:util'
import { loadCatalogue } from '#catalogue'
import { createSecrets } from '#secrets'
import { readConfiguration } from '../config.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod check`: every problem of a configuration at once, each with its line and column. */
export async function check(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' } } })
  if (values.config === undefined) throw new UsageError('Name the configuration file with --config.')
  const { text, environment } = await readConfiguration(values.config)
  const { warnings } = await loadCatalogue(text, { resolve: createSecrets({ environment }).resolve })
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`)
  process.stdout.write(`${values.config} is good.\n`)
}
