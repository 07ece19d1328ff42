import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formsOf, refreshOf } from '../../demo/src/walk/html-forms.ts'
import { byHand, createPerson } from '../support/by-hand.ts'
import { openWorld, type World } from '../support/world.ts'

/** One answer of the whole way from the agent to the agent. */
interface Step {
  readonly what: string
  readonly response: Response
  readonly next: string | undefined
}

describe('on the whole way of a browser from the agent to the agent', () => {
  let world: World
  let steps: readonly Step[]
  beforeAll(async () => {
    world = await openWorld()
    steps = await way(world)
  })
  afterAll(() => world.close())
  const pages = () => steps.filter(({ response }) => response.headers.get('content-type')?.includes('html'))

  test('nothing is redirected so that credentials go along: 303, or a page after a form', () => {
    const forms = steps.filter(({ what }) => what === 'form')
    expect(forms.map(({ response }) => response.status)).toEqual([200, 200])
    expect(new Set(steps.map(({ response }) => response.status))).toEqual(new Set([200, 303]))
  })

  test('no page tells another origin where it came from', () => {
    expect(pages().length).toBeGreaterThan(3)
    for (const { response } of pages()) expect(response.headers.get('referrer-policy')).toBe('same-origin')
  })

  test('no page may be framed, kept or read by another origin', () => {
    for (const { response } of pages()) {
      expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      expect(response.headers.get('cache-control')).toContain('no-store')
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('the code is in one address alone, that of the agent', () => {
    const withCode = steps.filter(({ next }) => next?.includes('code='))
    expect(withCode).toHaveLength(1)
    expect(withCode[0]?.next).toMatch(world.urls.agent)
  })
})

/** Signs in, agrees, and keeps every answer. */
async function way(world: World): Promise<readonly Step[]> {
  const person = createPerson(world.publicUrl)
  const steps: Step[] = []
  let at = byHand(world).authorizeUrl()
  for (let hop = 0; hop < 20 && at.startsWith(world.publicUrl); hop++) {
    const response = await person.send(at)
    const body = await response.clone().text()
    const [form] = formsOf(body)
    const next = response.headers.get('location') ?? refreshOf(body)
    if (form === undefined) {
      steps.push({ what: 'link', response, next: next ?? undefined })
      at = new URL(next ?? '', at).href
      continue
    }
    steps.push({ what: 'page', response, next: undefined })
    const target = new URL(form.action, at)
    const values =
      'password' in form.fields ? { username: 'alice', password: 'alice-password' } : { decision: 'allow' }
    const answer = await person.send(target.href, {
      method: 'POST',
      headers: { origin: world.publicUrl },
      body: new URLSearchParams({ ...form.fields, ...values }),
    })
    const to = refreshOf(await answer.clone().text())
    steps.push({ what: 'form', response: answer, next: to })
    at = new URL(to ?? '', target).href
  }
  return steps
}
