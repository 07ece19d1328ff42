import { parseArgs } from 'node:util'
import type { Reloaded } from '../composition/reload.ts'
import { askService } from './operator.ts'

/** `tetrapod reload`: the running service reads its configuration file again. Says what changed, or every problem of it. */
export async function reload(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: 'string', default: '.tetrapod' } },
  })
  const answer = await askService(values.data, { method: 'POST', path: '/reload' })
  const { added, removed, warnings } = answer as Reloaded
  for (const warning of warnings) process.stdout.write(`warning: ${warning}\n`)
  for (const name of removed) process.stdout.write(`removed ${name}\n`)
  for (const name of added) process.stdout.write(`added ${name}\n`)
  process.stdout.write('The configuration is in force.\n')
}
