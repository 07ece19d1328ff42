import { describe, expect, test } from 'vitest'
import { problemsOf } from './catalogue.fixture.ts'

describe('text that is not YAML', () => {
  test.each([
    ['', '1:1 publicUrl: It is required'],
    ['- a', '1:1 (document): Write a mapping here'],
    ['a: [', '1:5 This is not YAML'],
    ['publicUrl: https://a.example\n---\nb: c', '2:1 A configuration is one document'],
    ['a:\n\tb: c', '2:1 A tab cannot indent'],
    ['publicUrl: *nowhere', '1:12 An alias needs its anchor'],
  ])('%j is refused with its place', async (text, problem) => {
    expect((await problemsOf(text))[0]).toContain(problem)
  })

  test('does not grow through aliases', async () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}, *a${n}]`)
    expect(await problemsOf(['a0: &a0 [x]', ...levels].join('\n'))).toEqual([
      expect.stringContaining('2:10 An alias needs its anchor'),
    ])
  })
})
