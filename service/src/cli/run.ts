import { Fault } from '#kernel'
import { agents } from './agents.ts'
import { audit } from './audit.ts'
import { check } from './check.ts'
import { grants } from './grants.ts'
import { hashPassword } from './hash-password.ts'
import { keys } from './keys.ts'
import { reload } from './reload.ts'
import { start } from './start.ts'
import { UsageError } from './usage-error.ts'
import { users } from './users.ts'

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  start,
  check,
  reload,
  agents,
  grants,
  users,
  audit,
  keys,
  'hash-password': hashPassword,
  help,
  '--help': help,
  '-h': help,
}

const usage = `tetrapod: identity broker and gateway for MCP

  tetrapod start   --config FILE [--data DIR] [--listen HOST:PORT]   run the service
  tetrapod check   --config FILE                      say what is wrong with a configuration
  tetrapod reload  [--data DIR]                       go on with the edited configuration, or say what is wrong
  tetrapod hash-password                              read a password, print its hash for the configuration
  tetrapod grants  list [--json] [--data DIR]         what users permitted which agents
  tetrapod grants  revoke ID [--data DIR]             take one back, at once
  tetrapod agents  list [--json] [--data DIR]         who acts for users here, and who named them
  tetrapod agents  disable ID [--data DIR]            stop one at once, with all it was given
  tetrapod agents  enable ID [--data DIR]             let it go on
  tetrapod users   list [--json] [--data DIR]         who can sign in, and who is signed in
  tetrapod users   sign-out NAME [--data DIR]         end all that a user has, at once; what they allowed is kept
  tetrapod keys    status [--json] [--data DIR]       what our tokens are signed with, and until when
  tetrapod keys    rotate [--now] [--data DIR]        make the next signing key, or let it sign at once
  tetrapod keys    revoke KID [--data DIR]            withdraw one: what it signed holds no longer
  tetrapod audit   tail [--limit N] [--json] [--data DIR]   the last records, oldest first

DIR is where the service keeps its data (.tetrapod). reload, agents, grants, users, keys and audit ask the running service.
`

const [name = '', ...args] = process.argv.slice(2)
try {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new UsageError(name === '' ? '' : `There is no command ${name}.`)
  await command(args)
} catch (error) {
  process.exitCode = failed(error)
}

/** `tetrapod help`, whatever follows. */
async function help(): Promise<void> {
  process.stdout.write(usage)
}

/** Says what went wrong in one sentence and gives the exit code: 2 for a mistake in the command, 1 for everything else. */
function failed(error: unknown): number {
  if (error instanceof UsageError || isArgumentError(error)) {
    process.stderr.write(`${error.message}${error.message === '' ? '' : '\n\n'}${usage}`)
    return 2
  }
  if (error instanceof Fault) {
    process.stderr.write(`${error.message}${error.detail === undefined ? '' : ` (${error.detail})`}\n`)
    return 1
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`)
  return 1
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
