import { parseArgs } from 'node:util'
import type { KeyStatus } from '#tokens'
import { askService } from './operator.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod keys status|rotate|revoke`. */
export async function keys(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string', default: '.tetrapod' },
      json: { type: 'boolean', default: false },
      now: { type: 'boolean', default: false },
    },
  })
  const [action, kid, ...rest] = positionals
  if (action === 'status' && kid === undefined) return status(values.data, values.json)
  if (action === 'rotate' && kid === undefined) return rotate(values.data, values.now)
  if (action === 'revoke' && kid !== undefined && rest.length === 0) return revoke(values.data, kid)
  throw new UsageError('Say keys status, keys rotate, or keys revoke and the id of one.')
}

async function status(data: string, json: boolean): Promise<void> {
  const { keys } = (await askService(data, { path: '/keys' })) as { readonly keys: readonly KeyStatus[] }
  for (const key of keys) process.stdout.write(`${json ? JSON.stringify(key) : line(key)}\n`)
}

async function rotate(data: string, now: boolean): Promise<void> {
  const path = now ? '/keys/rotate?now=true' : '/keys/rotate'
  const answer = await askService(data, { method: 'POST', path })
  const { kid, signsAt } = answer as Pick<KeyStatus, 'kid' | 'signsAt'>
  process.stdout.write(`${kid} ${now ? 'signs now' : `is published, and signs from ${iso(signsAt)}`}.\n`)
}

async function revoke(data: string, kid: string): Promise<void> {
  await askService(data, { method: 'POST', path: `/keys/${encodeURIComponent(kid)}/revoke` })
  process.stdout.write(`Revoked ${kid}.\n`)
}

function line({ kid, algorithm, state, since, signsAt, goneAt }: KeyStatus): string {
  const head = `${kid}  ${algorithm}  ${state} since ${iso(since)}`
  if (state === 'next') return `${head}  signs from ${iso(signsAt)}`
  return state === 'retired' && goneAt !== undefined ? `${head}  gone after ${iso(goneAt)}` : head
}

function iso(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
}
