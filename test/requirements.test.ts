import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { authorizationServerRequirements } from './requirements/authorization-server.ts'
import { root } from './support/sources.ts'

describe('what the standards forbid an authorization server is held by a test that exists:', () => {
  test.each(authorizationServerRequirements)('$section. $sentence', async (requirement) => {
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
    const sentences = authorizationServerRequirements.map(({ sentence }) => sentence)
    expect(new Set(sentences).size).toBe(sentences.length)
  })
})
