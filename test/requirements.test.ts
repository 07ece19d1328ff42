import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { authorizationServerRequirements } from './requirements/authorization-server.ts'
import { exchangeRequirements } from './requirements/exchange.ts'
import { root } from './support/sources.ts'

describe.each([
  { of: 'an authorization server', requirements: authorizationServerRequirements },
  { of: 'an exchange', requirements: exchangeRequirements },
])('what is demanded of $of is held by a test that exists:', ({ requirements }) => {
  test.each(requirements)('$section. $sentence', async (requirement) => {
    if ('notYet' in requirement) {
      expect(requirement.notYet).not.toBe('')
      return
    }
    expect(requirement.tests).not.toEqual([])
    for (const [file, title] of requirement.tests) {
      const source = await readFile(join(root, file), 'utf8')
      const written = [`'${title}'`, `"${title}"`, `\`${title}\``]
      expect([file, title, written.some((it) => source.includes(it))]).toEqual([file, title, true])
    }
  })

  test('and no two say the same', () => {
    const sentences = requirements.map(({ sentence }) => sentence)
    expect(new Set(sentences).size).toBe(sentences.length)
  })
})
