import { describe, expect, test } from 'vitest'
import { problemsOf, whole } from './catalogue.fixture.ts'

describe('a secret written by mistake', () => {
  const secret = 'hunter2-s3cr3t'

  test.each([
    ['as a secret', 'file:///run/secrets/robot', secret],
    ['as a password', 'env:ALICE', secret],
    ['as a database', 'publicUrl', `database: postgres://tetrapod:${secret}@db/tetrapod\npublicUrl`],
    ['in a URL', 'http://127.0.0.1:4001/mcp', `https://user:${secret}@crm.example/mcp`],
    ['in publicUrl', 'http://127.0.0.1:4000', `https://user:${secret}@tetrapod.example`],
    ['in the wrong place', 'groups: [sales]', `groups: ${secret}`],
    ['in broken quotes', 'env:ALICE', `"${secret}`],
    ['after a stray character', 'env:ALICE', `@${secret}`],
    ['behind a tag', 'env:ALICE', `!${secret} x`],
    ['behind an alias', 'env:ALICE', `*${secret}`],
    ['as a directive', 'publicUrl', `%${secret}\n---\npublicUrl`],
  ])('%s is never repeated', async (_, from, to) => {
    const problems = await problemsOf(whole.replace(from, () => to))
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join('\n')).not.toContain(secret)
  })

  test('is not repeated by a resolver that fails without care', async () => {
    const problems = await problemsOf(whole, () => Promise.reject(new Error(secret)))
    expect(problems).toEqual([
      expect.stringMatching(/^3:41 users\.alice\.password: This reference does not resolve/),
      expect.stringMatching(/^7:63 agents\.robot\.secret: This reference does not resolve/),
      expect.stringMatching(/^12:23 servers\.crm\.client\.secret: This reference does not resolve/),
    ])
    expect(problems.join('\n')).not.toContain(secret)
  })
})
