import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { outlived, readMutants } from '../bin/docs/mutants-results.ts'

const root = new URL('..', import.meta.url).pathname
const { modules, results, equal } = await readMutants()

describe('mutation testing', () => {
  test.each(modules)('has code and tests of $name to work on', ({ mutate, tests }) => {
    for (const pattern of [...mutate, ...tests])
      expect(globSync(pattern, { cwd: root }), pattern).not.toEqual([])
  })

  test('has results of modules that it knows', () => {
    expect(Object.keys(results).filter((name) => !modules.some((module) => module.name === name))).toEqual([])
  })

  test('gives a reason for no change that a test notices', () => {
    expect(outlived({ modules, results, equal })).toEqual([])
  })

  test.each(equal)('reasons about a line that $file has: $text', async ({ file, text }) => {
    const lines = (await readFile(new URL(file, `file://${root}`), 'utf8')).split('\n')
    expect(lines.map((line) => line.trim())).toContain(text)
  })
})
