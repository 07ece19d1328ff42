import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { openLocalKeyring } from './local-keyring.ts'

const context = Buffer.from('context')
const unopenable = { code: 'vault.unopenable' }

test('a data key comes back from a keyring opened again', async () => {
  const file = path()
  const { kekName, wrapped, dek } = await (await openLocalKeyring({ file })).generate('signing', context)
  const unwrapped = await (await openLocalKeyring({ file })).unwrap(kekName, wrapped, context)
  expect(kekName).toBe('local/signing/1')
  expect(unwrapped.equals(dek)).toBe(true)
})

test('a data key does not come back under another context, key name or length', async () => {
  const keyring = await openLocalKeyring({ file: path() })
  const { kekName, wrapped } = await keyring.generate('signing', context)
  const { kekName: other } = await keyring.generate('oauth', context)
  const unwrap = (name: string, bytes: Uint8Array, bound: Uint8Array) => keyring.unwrap(name, bytes, bound)
  await expect(unwrap(kekName, wrapped, Buffer.from('context2'))).rejects.toMatchObject(unopenable)
  await expect(unwrap(other, wrapped, context)).rejects.toMatchObject(unopenable)
  await expect(unwrap('local/signing/2', wrapped, context)).rejects.toMatchObject(unopenable)
  await expect(unwrap(kekName, wrapped.subarray(0, -1), context)).rejects.toMatchObject(unopenable)
  await expect(unwrap(kekName, Buffer.concat([wrapped, wrapped]), context)).rejects.toMatchObject(unopenable)
  await expect(unwrap(kekName, new Uint8Array(), context)).rejects.toMatchObject(unopenable)
})

test('every purpose has a key of its own, and many first uses at once end with one each', async () => {
  const file = path()
  const keyring = await openLocalKeyring({ file })
  const purposes = ['service', 'signing', 'oauth', 'audit'] as const
  const made = await Promise.all(
    purposes.flatMap((purpose) => [1, 2, 3].map(() => keyring.generate(purpose, context))),
  )

  const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: Record<string, string> }
  expect(Object.keys(keys).sort()).toEqual(purposes.map((purpose) => `local/${purpose}/1`).sort())
  expect(new Set(Object.values(keys)).size).toBe(4)
  const again = await openLocalKeyring({ file })
  for (const { kekName, wrapped, dek } of made) {
    expect((await again.unwrap(kekName, wrapped, context)).equals(dek)).toBe(true)
  }
})

test('a key made meanwhile by another keyring on the file is used, never replaced', async () => {
  const file = path()
  const [late, early] = [await openLocalKeyring({ file }), await openLocalKeyring({ file })]
  const { kekName, wrapped, dek } = await early.generate('signing', context)
  await late.generate('oauth', context)
  await late.generate('signing', context)
  const again = await openLocalKeyring({ file })
  expect((await again.unwrap(kekName, wrapped, context)).equals(dek)).toBe(true)
})

test('opening writes nothing; the first use writes a file for this user alone and leaves nothing beside it', async () => {
  const file = path()
  const keyring = await openLocalKeyring({ file })
  expect(existsSync(file)).toBe(false)
  writeFileSync(`${file}.new`, 'left by a crash', { mode: 0o644 })
  await keyring.generate('signing', context)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(file, '..'))).toEqual(['keyring.json'])
})

test.each([0o640, 0o604, 0o620, 0o644])(
  'a keyring of mode %o is refused, with the command to run',
  async (mode) => {
    const file = path()
    await (await openLocalKeyring({ file })).generate('signing', context)
    chmodSync(file, mode)
    await expect(openLocalKeyring({ file })).rejects.toMatchObject({
      code: 'vault.keyring_exposed',
      message: expect.stringContaining('chmod 600'),
      detail: `chmod 600 ${file}`,
    })
  },
)

test.each([
  '',
  '{"keys": {"local/signing/1": "canary',
  '{"keys": canary}',
  '[]',
  '{}',
  '{"keys": {"local/signing/1": "canary"}}',
  '{"keys": {"local/signing/1": 7}}',
])('a file that is no keyring is refused and not quoted: %s', async (text) => {
  const file = path()
  writeFileSync(file, text, { mode: 0o600 })
  const error: unknown = await openLocalKeyring({ file }).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'vault.keyring_unreadable' })
  expect(inspect(error, { depth: 9 })).not.toContain('canary')
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('a key that cannot be written wraps nothing, until it can', async () => {
  const file = path()
  const keyring = await openLocalKeyring({ file })
  // A directory where the new file should be.
  mkdirSync(`${file}.new`)
  await expect(keyring.generate('signing', context)).rejects.toMatchObject({
    code: 'vault.keyring_unwritable',
  })
  await expect(keyring.generate('signing', context)).rejects.toMatchObject({
    code: 'vault.keyring_unwritable',
  })
  rmdirSync(`${file}.new`)
  const { kekName, wrapped, dek } = await keyring.generate('signing', context)
  const again = await openLocalKeyring({ file })
  expect((await again.unwrap(kekName, wrapped, context)).equals(dek)).toBe(true)
})

function path(): string {
  return join(mkdtempSync(join(tmpdir(), 'keyring-')), 'keyring.json')
}
