import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createSecrets, isReference } from './secrets.ts'

const secrets = createSecrets({ environment: { TOKEN: 'canary', EMPTY: '', UNSET: undefined } })

test('a variable is resolved, and prints nothing', async () => {
  const secret = await secrets.resolve('env:TOKEN')
  expect(secret.reveal()).toBe('canary')
  expect(inspect(secret)).toBe('[secret]')
})

test.each([
  ['canary\n', 'canary'],
  ['canary\r\n', 'canary'],
  ['canary', 'canary'],
  ['two\nlines\n\n', 'two\nlines\n'],
])('a file is resolved without its last line break: %j', async (text, value) => {
  expect((await secrets.resolve(`file://${file(text)}`)).reveal()).toBe(value)
})

test.each(['env:EMPTY', 'env:UNSET', 'env:MISSING', 'env:__proto__', 'env:toString', 'file:///no/such/file'])(
  '%s leads to nothing, and the fault names it',
  async (reference) => {
    await expect(secrets.resolve(reference)).rejects.toMatchObject({
      code: 'secrets.unresolved',
      message: expect.stringContaining(reference),
    })
  },
)

test('a file that is empty, too large, not text or a directory is refused without a word of it', async () => {
  const directory = join(mkdtempSync(join(tmpdir(), 'secrets-')), 'directory')
  mkdirSync(directory)
  const binary = Buffer.concat([Buffer.from('canary'), Buffer.from([0xff, 0xfe])])
  for (const path of [file(''), file('\n'), file('canary'.repeat(20_000)), file(binary), directory]) {
    const error: unknown = await secrets.resolve(`file://${path}`).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'secrets.unresolved', message: expect.stringContaining(path) })
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  }
})

test.each([
  'canary',
  '',
  'env:',
  'env:canary value',
  'env:1canary',
  'ENV:TOKEN',
  ' env:TOKEN',
  'env:TOKEN\n',
  'file://canary/path',
  'file:canary',
  'file:///',
  'file:///canary?x',
  'file:///canary#x',
  'https://canary.example',
])('%j is no reference, and what might be a secret is not repeated', async (value) => {
  expect(isReference(value)).toBe(false)
  const error: unknown = await secrets.resolve(value).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'secrets.reference_invalid' })
  expect(inspect(error, { depth: 9 })).not.toContain('canary value')
  expect(error).toMatchObject({ message: expect.not.stringContaining('canary'), detail: undefined })
})

test('references are told by their form alone', () => {
  expect(['env:TOKEN', 'env:_t1', 'file:///run/secrets/x'].every(isReference)).toBe(true)
  expect([undefined, null, 7, {}].some(isReference)).toBe(false)
})

function file(contents: string | Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), 'secrets-')), 'secret')
  writeFileSync(path, contents)
  return path
}
