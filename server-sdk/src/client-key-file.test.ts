import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clientKeyFile } from './client-key-file.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tetrapod-key-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('a key is made once, for all who start at the same time, and only its owner reads it', async () => {
  const path = await folder()
  const file = join(path, 'crm.key.json')
  const keys = await Promise.all(Array.from({ length: 8 }, () => clientKeyFile(file)))
  keys.push(await clientKeyFile(file))
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(path)).toEqual(['crm.key.json'])
})

test('a file that holds something else is left as it is, and none of it is told', async () => {
  const file = join(await folder(), 'crm.key.json')
  for (const text of ['', 'secret words', '{"kty":"oct","k":"c2VjcmV0"}']) {
    await writeFile(file, text)
    await expect(clientKeyFile(file)).rejects.toThrow(/client key/)
    await expect(clientKeyFile(file)).rejects.not.toThrow(/secret|c2VjcmV0/)
    expect(await readFile(file, 'utf8')).toBe(text)
  }
})

test('a folder that is not there is told by the system', async () => {
  await expect(clientKeyFile(join(await folder(), 'missing', 'crm.key.json'))).rejects.toThrow(/ENOENT/)
})
