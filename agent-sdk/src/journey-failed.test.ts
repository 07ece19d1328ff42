import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const here = import.meta.dirname
const codesIn = (text: string) => new Set(text.match(/(?<=[`'])[a-z]+\.[a-z_]+(?=[`'])/g))

test('every code of a journey has its line in the documents, and no line is for a code that is none', async () => {
  const source = await readFile(join(here, 'journey-failed.ts'), 'utf8')
  const type = /type JourneyCode =\n([^]*?)\n\n/.exec(source)?.[1] ?? ''
  const page = await readFile(join(here, '../../docs/agents.md'), 'utf8')
  const table = /\| code \| why \|\n([^]*?)\n\n/.exec(page)?.[1] ?? ''
  const first = table.split('\n').map((line) => line.split('|')[1] ?? '')
  expect(codesIn(first.join('\n'))).toEqual(codesIn(type))
  expect(codesIn(type).size).toBeGreaterThan(25)
})
