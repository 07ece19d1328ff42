import { parseArgs } from 'node:util'
import type { ListedAgent } from '#agents'
import { askService } from './operator.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod agents list|disable|enable`. */
export async function agents(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string', default: '.tetrapod' }, json: { type: 'boolean', default: false } },
  })
  const [action, id, ...rest] = positionals
  if (action === 'list' && id === undefined) return list(values.data, values.json)
  const change = action === 'disable' || action === 'enable' ? action : undefined
  if (change === undefined || id === undefined || rest.length > 0)
    throw new UsageError('Say agents list, or agents disable or enable and the id of one.')
  await askService(values.data, { method: 'POST', path: `/agents/${encodeURIComponent(id)}/${change}` })
  process.stdout.write(change === 'disable' ? `Stopped ${id}.\n` : `${id} may go on.\n`)
}

async function list(data: string, json: boolean): Promise<void> {
  const { agents } = (await askService(data, { path: '/agents' })) as {
    readonly agents: readonly ListedAgent[]
  }
  if (agents.length === 0 && !json) process.stderr.write('No agents yet.\n')
  for (const agent of agents) process.stdout.write(`${json ? JSON.stringify(agent) : line(agent)}\n`)
}

const KINDS = {
  catalogue: 'configured',
  document: 'by its document',
  registered: 'registered itself',
} as const

/** Names are the agents' own words: they are quoted, so that none of them looks like a part of the line. */
function line({ id, kind, name, usedAt, disabledAt }: ListedAgent): string {
  const used = usedAt === undefined ? [] : [`last permitted ${iso(usedAt)}`]
  const stopped = disabledAt === undefined ? [] : [`disabled ${iso(disabledAt)}`]
  return [id, KINDS[kind], JSON.stringify(name), ...used, ...stopped].join('  ')
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')
}
