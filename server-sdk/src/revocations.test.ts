import { createHash } from 'node:crypto'
import { type AccessToken, parseAccessToken } from '@tetrapod/protocol'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Client } from './client.ts'
import { generateClientKey, importClientKey } from './client-key.ts'
import { followRevocations } from './revocations.ts'
import { START_SECONDS, testClaims, testClock } from './test-token.ts'

const ISSUER = 'https://tetrapod.example'
const client: Client = { id: 'crm', secret: 'hunter2' }
const END = (START_SECONDS + 600) * 1000

/** The token of the worked chain: grant `grant-1`, login `family-1`. */
const token = (dlg: object = {}): AccessToken => {
  const claims = testClaims(ISSUER, 'https://crm.example/mcp')
  const delegation = { ...(claims['dlg'] as object), ...dlg }
  return parseAccessToken(
    { typ: 'at+jwt', kid: 'key-1' },
    { ...claims, dlg: delegation },
    { issuer: ISSUER, audience: 'https://crm.example/mcp', now: START_SECONDS },
  )
}
const entry = (sequence: number, kind: string, id: string, expires_at = END) => ({
  sequence,
  kind,
  id_hash: createHash('sha256').update(id).digest('base64url'),
  at: START_SECONDS * 1000,
  expires_at,
})
const nothing = { sequence: 0, entries: [] }

test('a token is accepted while neither its grant nor its login is revoked', async () => {
  const feed = follow()
  const accepted = feed.check(token())
  await feed.answer({ sequence: 2, entries: [entry(1, 'grant', 'another'), entry(2, 'family', 'grant-1')] })
  await expect(accepted).resolves.toBeUndefined()
})

test.each([
  ['grant', 'grant-1'],
  ['family', 'family-1'],
  ['session', 'session-1'],
  ['user', 'u1'],
  ['token', 'jti-2'],
  ['token', 'jti-1'],
  ['key', 'key-1'],
  ['agent', 'planner'],
  ['server', 'https://gw.example/crm/mcp'],
])('a token whose %s %s was revoked is refused from the moment it is heard', async (kind, id) => {
  const feed = follow()
  const before = feed.check(token())
  await feed.answer(nothing)
  await before
  await feed.answer({ sequence: 1, entries: [entry(1, kind, id)] })
  await feed.asked()
  await expect(feed.check(token())).rejects.toMatchObject({ name: 'Refusal', code: 'revoked' })
})

test('and no token that does not name it', async () => {
  const feed = await upToDate()
  await feed.answer({ sequence: 2, entries: [entry(1, 'grant', 'grant-1'), entry(2, 'family', 'family-1')] })
  await feed.asked()
  await expect(feed.check(token({ gid: 'grant-2', anc: ['family-2', 'jti-1'] }))).resolves.toBeUndefined()
})

test('a user who was revoked and signs in anew is let in, whichever entry was heard last', async () => {
  const feed = await upToDate()
  const before = { ...entry(1, 'user', 'u1'), at: (START_SECONDS - 60) * 1000 }
  await feed.answer({ sequence: 1, entries: [before] })
  await feed.asked()
  await expect(feed.check(token())).resolves.toBeUndefined()
  await feed.answer({ sequence: 3, entries: [entry(2, 'user', 'u1'), { ...before, sequence: 3 }] })
  await feed.asked()
  await expect(feed.check(token())).rejects.toMatchObject({ code: 'revoked' })
})

test('an ancestor that is not the login is no login', async () => {
  const feed = follow()
  const accepted = feed.check(token())
  await feed.answer({ sequence: 1, entries: [entry(1, 'family', 'jti-1')] })
  await expect(accepted).resolves.toBeUndefined()
})

describe('before the feed was read for the first time', () => {
  test('a request waits for it, and is decided by it', async () => {
    const feed = follow()
    const decided = feed.check(token())
    await feed.answer({ sequence: 1, entries: [entry(1, 'grant', 'grant-1')] })
    await expect(decided).rejects.toMatchObject({ code: 'revoked' })
  })

  test('nobody is let in when it is not read within three seconds, and the reason is told', async () => {
    const feed = follow()
    const refused = feed.check(token())
    await feed.asked()
    feed.wake(3000)
    await expect(refused).rejects.toThrow(/has not been read yet/)
  })

  test('half of it is not enough: the reader is up to date with the last page', async () => {
    const feed = follow()
    const decided = feed.check(token())
    await feed.answer({ sequence: 1, entries: [entry(1, 'grant', 'another')], more: true })
    expect((await feed.asked()).search).toBe('?after=1&wait=0')
    await feed.answer({ sequence: 2, entries: [entry(2, 'grant', 'grant-1')] })
    await expect(decided).rejects.toMatchObject({ code: 'revoked' })
  })
})

describe('a feed that cannot be read', () => {
  test('is bridged for thirty seconds, then nobody is let in, and the reason is told', async () => {
    const feed = await upToDate()
    await feed.fail(new TypeError('fetch failed'))
    feed.clock.pass(30)
    await expect(feed.check(token())).resolves.toBeUndefined()
    feed.clock.pass(1)
    await expect(feed.check(token())).rejects.toMatchObject({
      name: 'RevocationsUnavailable',
      message:
        'The revocation feed of the authorization server has not been read for 30 s (fetch failed), so no token is accepted. Retry.',
    })
  })

  test('lets in again as soon as it is read, from its beginning, without a wait', async () => {
    const feed = await upToDate()
    await feed.fail(new TypeError('fetch failed'))
    feed.clock.pass(31)
    feed.wake(100)
    expect((await feed.asked()).search).toBe('?after=0&wait=0')
    await feed.answer({ sequence: 9, entries: [entry(9, 'grant', 'another')] })
    expect((await feed.asked()).search).toBe('?after=9&wait=10')
    await expect(feed.check(token())).resolves.toBeUndefined()
  })

  test('keeps what it said before: a revoked token is refused after it comes back', async () => {
    const feed = await upToDate()
    await feed.answer({ sequence: 1, entries: [entry(1, 'grant', 'grant-1')] })
    await feed.fail(new TypeError('fetch failed'))
    feed.wake(100)
    await feed.answer(nothing)
    await feed.asked()
    await expect(feed.check(token())).rejects.toMatchObject({ code: 'revoked' })
  })

  test('is asked again after 100 ms, then ever later, at most every 5 s', async () => {
    const feed = await upToDate()
    for (const pause of [100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
      await feed.fail(new TypeError('fetch failed'))
      feed.wake(pause)
    }
    await feed.answer(nothing)
    await feed.fail(new TypeError('fetch failed'))
    feed.wake(100)
    await feed.asked()
  })

  test.each([
    [401, 'it answered 401: compare the `client` of this resource with its entry in the catalogue'],
    [403, 'it answered 403: compare the `client` of this resource with its entry in the catalogue'],
    [500, 'it answered 500'],
  ])('because it answers %i says so', async (status, reason) => {
    const feed = follow()
    const refused = feed.check(token())
    await feed.answer({ error: 'x' }, status)
    await feed.sleeping(100)
    feed.wake(3000)
    await expect(refused).rejects.toThrow(reason)
  })

  test.each<[string, unknown]>([
    ['no object', []],
    ['no entries', { sequence: 1 }],
    ['an entry without a hash', { sequence: 1, entries: [{ sequence: 1, kind: 'grant' }] }],
    ['a place behind the reader', { sequence: 2, entries: [] }],
    ['more, and nothing', { sequence: 5, entries: [], more: true }],
    [
      'too many entries',
      { sequence: 6, entries: Array.from({ length: 1025 }, () => entry(6, 'grant', 'x')) },
    ],
  ])('because it answers with %s counts as unread', async (_, body) => {
    const feed = await upToDate({ sequence: 5, entries: [] })
    await feed.answer(body)
    await feed.sleeping(100)
    feed.clock.pass(31)
    await expect(feed.check(token())).rejects.toMatchObject({ name: 'RevocationsUnavailable' })
  })

  test.each([
    ['set back', 0, -31],
    ['set back as far as time went on', 31, -1],
    ['stopped', 31, 0],
  ])('is not taken for read by a clock that was %s', async (_, elapsed, clock) => {
    const feed = await upToDate()
    feed.time.elapsed += elapsed * 1000
    feed.clock.pass(clock)
    await expect(feed.check(token())).rejects.toMatchObject({ name: 'RevocationsUnavailable' })
  })
})

test('what was revoked is remembered for as long as the feed says', async () => {
  const feed = await upToDate()
  await feed.answer({ sequence: 1, entries: [entry(1, 'grant', 'grant-1')] })
  await feed.asked()
  feed.clock.pass(599)
  feed.time.elapsed += 599_000
  await feed.answer({ sequence: 2, entries: [entry(2, 'grant', 'another')] })
  await feed.asked()
  await expect(feed.check(token())).rejects.toMatchObject({ code: 'revoked' })
})

test('what was revoked is not forgotten by a clock that is set forth and back again', async () => {
  const feed = await upToDate()
  await feed.answer({ sequence: 1, entries: [entry(1, 'grant', 'grant-1')] })
  await feed.asked()
  feed.clock.pass(24 * 3600)
  await feed.answer({ sequence: 2, entries: [entry(2, 'grant', 'another')] })
  await feed.asked()
  feed.clock.pass(-24 * 3600)
  await feed.answer({ sequence: 3, entries: [entry(3, 'grant', 'a third')] })
  await feed.asked()
  await expect(feed.check(token())).rejects.toMatchObject({ code: 'revoked' })
})

test('a place that the issuer does not know is given up for the issuer’s', async () => {
  const feed = await upToDate({ sequence: 57, entries: [] })
  expect((await feed.asked()).search).toBe('?after=57&wait=10')
  await feed.answer({ sequence: 2, entries: [entry(2, 'grant', 'grant-1')], reset: true })
  expect((await feed.asked()).search).toBe('?after=2&wait=10')
  await expect(feed.check(token())).rejects.toMatchObject({ code: 'revoked' })
})

test('an early answer without news is not asked for again within the second', async () => {
  const feed = await upToDate()
  await feed.answer(nothing)
  await feed.sleeping(1000)
  expect(feed.open()).toBe(0)
  feed.wake(1000)
  await feed.asked()
})

test('a kind that this version does not know stops nobody and nothing', async () => {
  const feed = await upToDate()
  await feed.answer({ sequence: 1, entries: [entry(1, 'planet', 'grant-1')], later: true })
  await feed.asked()
  await expect(feed.check(token())).resolves.toBeUndefined()
})

test('after close nothing is asked any more, and nobody is let in', async () => {
  const feed = await upToDate()
  await feed.asked()
  feed.close()
  await expect(feed.check(token())).rejects.toThrow('no longer followed')
  expect(feed.open()).toBe(0)
})

describe('the request', () => {
  test('proves who asks by a fresh assertion of its key, for the issuer alone', async () => {
    const key = await importClientKey(await generateClientKey())
    const feed = follow({ id: 'crm', key })
    feed.check(token()).catch(() => {})
    const first = bearerOf(await feed.asked())
    await feed.answer(nothing)
    const second = bearerOf(await feed.asked())
    expect(decodeProtectedHeader(first)).toMatchObject({ typ: 'client-authentication+jwt', kid: key.kid })
    expect(decodeJwt(first)).toMatchObject({
      iss: 'crm',
      sub: 'crm',
      aud: ISSUER,
      iat: START_SECONDS,
      exp: START_SECONDS + 60,
    })
    expect(decodeJwt(second).jti).not.toBe(decodeJwt(first).jti)
  })

  test('carries a secret as Basic, both parts form-encoded (RFC 6749 §2.3.1)', async () => {
    const feed = follow({ id: 'crm', secret: 'a b:c+ü' })
    feed.check(token()).catch(() => {})
    const [scheme, encoded = ''] = (await feed.asked()).authorization.split(' ')
    expect([scheme, Buffer.from(encoded, 'base64').toString()]).toEqual(['Basic', 'crm:a+b%3Ac%2B%C3%BC'])
  })

  test('goes to the issuer, and to nobody it is redirected to', async () => {
    const feed = follow()
    feed.check(token()).catch(() => {})
    expect(await feed.asked()).toMatchObject({
      href: `${ISSUER}/revocations?after=0&wait=0`,
      redirect: 'error',
    })
  })
})

const bearerOf = ({ authorization }: { readonly authorization: string }) =>
  authorization.replace('Bearer ', '')

interface Asked {
  readonly href: string
  readonly search: string
  readonly authorization: string
  readonly redirect: string | undefined
  answer(body: unknown, status?: number): void
  fail(error: Error): void
}

/** A reader whose network and timers the test plays. */
function follow(as: Client = client) {
  const clock = testClock()
  const time = { elapsed: 0 }
  const requests: Asked[] = []
  const sleeps = new Map<number, () => void>()
  let changed = Promise.withResolvers<void>()
  const change = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const until = async <Value>(value: () => Value | undefined): Promise<Value> => {
    for (;;) {
      const found = value()
      if (found !== undefined) return found
      await changed.promise
    }
  }
  const fetch: typeof globalThis.fetch = (input, init) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input)
      const over = () => {
        requests.splice(requests.indexOf(request), 1)
        change()
      }
      const request: Asked = {
        href: url.href,
        search: url.search,
        authorization: new Headers(init?.headers).get('authorization') ?? '',
        redirect: init?.redirect,
        answer(body, status = 200) {
          over()
          resolve(Response.json(body, { status }))
        },
        fail(error) {
          over()
          reject(error)
        },
      }
      init?.signal?.addEventListener('abort', () => request.fail(new Error('aborted')))
      requests.push(request)
      change()
    })
  const sleep = (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        sleeps.delete(milliseconds)
        resolve()
      }
      signal.addEventListener('abort', wake)
      sleeps.set(milliseconds, wake)
      change()
    })
  const revocations = followRevocations(ISSUER, as, { fetch, clock, elapsed: () => time.elapsed, sleep })
  onTestFinished(() => revocations.close())

  const asked = () => until(() => requests[0])
  const sleeping = (milliseconds: number) => until(() => sleeps.get(milliseconds))
  return {
    ...revocations,
    clock,
    time,
    /** The request that is waiting to be answered. */
    asked,
    open: () => requests.length,
    answer: async (body: unknown, status?: number) => (await asked()).answer(body, status),
    /** Fails the request, and waits until the reader sleeps. */
    async fail(error: Error) {
      const before = sleeps.size
      ;(await asked()).fail(error)
      await until(() => (sleeps.size > before ? true : undefined))
    },
    sleeping,
    wake: (milliseconds: number) => {
      const wake = sleeps.get(milliseconds)
      if (wake === undefined)
        throw new Error(`nobody sleeps ${milliseconds} ms, only ${[...sleeps.keys()].join()}`)
      wake()
    },
  }
}

/** A reader that has read the feed and waits for more. */
async function upToDate(page: object = nothing) {
  const feed = follow()
  const first = feed.check(token())
  await feed.answer(page)
  await first
  await feed.asked()
  return feed
}
