import { parseArgs } from 'node:util'
import { type AuditLine, formatLine } from '#audit'
import { askService } from './operator.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod audit tail`. */
export async function audit(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string', default: '.tetrapod' },
      json: { type: 'boolean', default: false },
      limit: { type: 'string', default: '20' },
    },
  })
  if (positionals.join(' ') !== 'tail') throw new UsageError('Say audit tail.')
  if (!/^([1-9]\d{0,2}|1000)$/.test(values.limit)) throw new UsageError('--limit is a number from 1 to 1000.')
  const answer = await askService(values.data, { path: `/audit?limit=${values.limit}` })
  const { lines } = answer as { readonly lines: readonly AuditLine[] }
  for (const line of lines) process.stdout.write(`${values.json ? JSON.stringify(line) : formatLine(line)}\n`)
}
