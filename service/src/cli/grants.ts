import { parseArgs } from 'node:util'
import type { Grant } from '#grants'
import { askService } from './operator.ts'
import { UsageError } from './usage-error.ts'

/** A grant as the service lists it: of whom, by their own name, where the configuration still has them. */
type Listed = Grant & { readonly username?: string }

/** `tetrapod grants list|revoke`. */
export async function grants(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string', default: '.tetrapod' }, json: { type: 'boolean', default: false } },
  })
  const [action, id, ...rest] = positionals
  if (action === 'list' && id === undefined) return list(values.data, values.json)
  if (action === 'revoke' && id !== undefined && rest.length === 0) return revoke(values.data, id)
  throw new UsageError('Say grants list, or grants revoke and the id of one.')
}

async function list(data: string, json: boolean): Promise<void> {
  const { grants } = (await askService(data, { path: '/grants' })) as { readonly grants: readonly Listed[] }
  if (grants.length === 0 && !json) process.stderr.write('No grants yet.\n')
  for (const grant of grants) process.stdout.write(`${json ? JSON.stringify(grant) : line(grant)}\n`)
}

async function revoke(data: string, id: string): Promise<void> {
  await askService(data, { method: 'POST', path: `/grants/${encodeURIComponent(id)}/revoke` })
  process.stdout.write(`Revoked ${id}.\n`)
}

function line({ id, user, username, agent, mounts, expiresAt, revokedAt }: Listed): string {
  const scopes = Object.entries(mounts).map(([server, { scopes }]) => `${server}[${scopes.join(' ')}]`)
  const until = revokedAt === undefined ? `until ${iso(expiresAt)}` : `revoked ${iso(revokedAt)}`
  return `${id}  user ${username ?? user}  agent ${agent}  ${scopes.join(' ')}  ${until}`
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')
}
