import { spawn } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isPasswordHash } from '#users'

const program = fileURLToPath(new URL('run.ts', import.meta.url))

/** Runs the command with `input` on its standard input, until it ends. */
function tetrapod(args: readonly string[], input = '') {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args])
    let [out, err] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
    // It may have ended without reading.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

describe('hash-password', () => {
  test.each([
    ['a line', 'correct horse\n'],
    ['a line as Windows ends it', 'correct horse\r\n'],
    ['text without an end of line', 'correct horse'],
    ['the first of two lines', 'correct horse\nbattery staple\n'],
  ])('prints the hash of %s, and nothing of the password', async (_, input) => {
    const { code, out, err } = await tetrapod(['hash-password'], input)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^\S+\n$/)
    expect(isPasswordHash(out.trimEnd())).toBe(true)
    const [, , , , salt = '', hash] = out.trimEnd().split(':')
    expect(scryptSync('correct horse', Buffer.from(salt, 'base64url'), 32).toString('base64url')).toBe(hash)
  })

  test.each(['', '\n'])('of %j is a mistake: nobody gets an empty password', async (input) => {
    const { code, out, err } = await tetrapod(['hash-password'], input)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Write the password on one line of standard input.')
  })

  test('takes no password where other users of the machine can read it', async () => {
    expect(await tetrapod(['hash-password', 'correct horse'], 'x\n')).toMatchObject({ code: 2, out: '' })
  })
})

test.each([['help'], ['--help'], ['-h']])(
  '%s prints how the command is written, and ends well',
  async (word) => {
    const { code, out, err } = await tetrapod([word])
    expect([code, err]).toEqual([0, ''])
    for (const command of ['start', 'check', 'hash-password', 'grants  list', 'audit   tail'])
      expect(out).toContain(`tetrapod ${command}`)
  },
)

describe('grants list', () => {
  /** A data directory whose service knows these grants. */
  async function knowing(grants: readonly object[]) {
    const directory = await mkdtemp(join(tmpdir(), 'tetrapod-run-'))
    const service = createServer((_request, response) => void response.end(JSON.stringify({ grants })))
    await once(service.listen(join(directory, 'tetrapod.sock')), 'listening')
    onTestFinished(async () => {
      service.close()
      await rm(directory, { recursive: true })
    })
    return directory
  }

  test('of none says so to people, and gives programs nothing', async () => {
    const data = await knowing([])
    expect(await tetrapod(['grants', 'list', '--data', data])).toEqual({
      code: 0,
      out: '',
      err: 'No grants yet.\n',
    })
    expect(await tetrapod(['grants', 'list', '--json', '--data', data])).toEqual({
      code: 0,
      out: '',
      err: '',
    })
  })

  test('of one does not say that there are none', async () => {
    const data = await knowing([{ id: 'g1', user: 'u1', agent: 'planner', mounts: {}, expiresAt: 0 }])
    const { out, err } = await tetrapod(['grants', 'list', '--data', data])
    expect([out, err]).toEqual([expect.stringContaining('g1  user u1'), ''])
  })
})
