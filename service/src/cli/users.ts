import { parseArgs } from 'node:util'
import type { ListedUser } from '#users'
import { askService } from './operator.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod users list|sign-out`. */
export async function users(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string', default: '.tetrapod' }, json: { type: 'boolean', default: false } },
  })
  const [action, username, ...rest] = positionals
  if (action === 'list' && username === undefined) return list(values.data, values.json)
  if (action === 'sign-out' && username !== undefined && rest.length === 0)
    return signOut(values.data, username)
  throw new UsageError('Say users list, or users sign-out and the name of one.')
}

async function list(data: string, json: boolean): Promise<void> {
  const { users } = (await askService(data, { path: '/users' })) as { readonly users: readonly ListedUser[] }
  if (users.length === 0 && !json) process.stderr.write('No users in the configuration.\n')
  for (const user of users) process.stdout.write(`${json ? JSON.stringify(user) : line(user)}\n`)
}

async function signOut(data: string, username: string): Promise<void> {
  await askService(data, { method: 'POST', path: `/users/${encodeURIComponent(username)}/sign-out` })
  process.stdout.write(`Signed out ${username} everywhere.\n`)
}

function line({ username, name, groups, sessions }: ListedUser): string {
  const signedIn = sessions === 0 ? 'not signed in' : `signed in ${sessions} time${sessions === 1 ? '' : 's'}`
  return `${username}  ${name}  groups [${groups.join(' ')}]  ${signedIn}`
}
