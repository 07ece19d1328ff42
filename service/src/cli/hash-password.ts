import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { Secret } from '#kernel'
import { hashPassword as hash } from '#users'
import { UsageError } from './usage-error.ts'

/** `tetrapod hash-password`: reads one line, prints what the configuration holds of it. The password is never shown. */
export async function hashPassword(args: readonly string[]): Promise<void> {
  parseArgs({ args: [...args], options: {} })
  if (process.stdin.isTTY) process.stderr.write('Password: ')
  const password = await firstLine()
  if (process.stdin.isTTY) process.stderr.write('\n')
  if (password === '') throw new UsageError('Write the password on one line of standard input.')
  process.stdout.write(`${await hash(new Secret(password))}\n`)
}

/** The first line of standard input; the empty string when there is none. A terminal does not show what is typed. */
async function firstLine(): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = process.stdin.isTTY
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal })
  for await (const line of lines) {
    lines.close()
    return line
  }
  return ''
}
