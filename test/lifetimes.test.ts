import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './support/sources.ts'

test('every lifetime of the documents is where they say it is', async () => {
  const page = await readFile(join(root, 'docs/lifetimes.md'), 'utf8')
  const places = [...page.matchAll(/`([\w/-]+\.ts)`\s+`(\w+)`/g)]
  expect(places.length).toBeGreaterThan(7)
  for (const [, file = '', name = ''] of places) {
    const source = await readFile(join(root, file), 'utf8')
    expect([file, name, new RegExp(`(const ${name} = |\\b${name}: )`).test(source)]).toEqual([
      file,
      name,
      true,
    ])
  }
})
