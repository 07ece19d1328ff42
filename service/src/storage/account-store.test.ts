import type { Account } from '#users'
import { describe, expect, test } from 'vitest'
import { backends, winnersOfFifty } from './backends.fixture.ts'

const ada: Account = { id: 'u1', issuer: 'https://idp.example', subject: 'ada', createdAt: 1_700_000_000_000 }

describe.each(backends)('accounts in %s', (_, place) => {
  test('an account is found by its id and by its issuer and subject', async () => {
    const { accounts } = await place()()
    await accounts.insert(ada)
    expect(await accounts.byId('u1')).toEqual(ada)
    expect(await accounts.bySubject(ada.issuer, ada.subject)).toEqual(ada)
  })

  test('the same subject at another issuer is another person', async () => {
    const { accounts } = await place()()
    await accounts.insert(ada)
    const other = { ...ada, id: 'u2', issuer: 'https://other.example' }
    expect(await accounts.bySubject(other.issuer, other.subject)).toBeUndefined()
    expect(await accounts.insert(other)).toBe(true)
    expect(await accounts.bySubject(ada.issuer, ada.subject)).toEqual(ada)
  })

  test('a subject is found by its exact letters', async () => {
    const { accounts } = await place()()
    await accounts.insert(ada)
    expect(await accounts.bySubject(ada.issuer, 'ADA')).toBeUndefined()
    expect(await accounts.bySubject(ada.issuer, 'ada ')).toBeUndefined()
  })

  test('fifty first sign-ins of one person at once make one account', async () => {
    const { accounts } = await place()()
    expect(await winnersOfFifty((attempt) => accounts.insert({ ...ada, id: `u${attempt}` }))).toBe(1)
  })

  test('an id is never given to a second person', async () => {
    const { accounts } = await place()()
    await accounts.insert(ada)
    await expect(accounts.insert({ ...ada, subject: 'eve' })).rejects.toMatchObject({
      code: 'storage.statement',
    })
    expect(await accounts.byId('u1')).toEqual(ada)
  })
})
