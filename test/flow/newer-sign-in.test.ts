import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Browser, createBrowser } from '../../demo/src/walk/scripted-browser.ts'
import { officialClient } from '../support/by-hand.ts'
import { ask } from '../support/wire.ts'
import { openWorld, type SignInOptions, type World } from '../support/world.ts'

/** The least that an API can ask for. */
const MAX_AGE_SECONDS = 60
/** How far Tetrapod's clock is behind those of the others, which nobody sets, and then before them: less than a minute each time. */
const BEHIND_SECONDS = 35

let world: World
beforeAll(async () => {
  world = await openWorld({
    amend: (text) =>
      text.replace(
        '    name: Payroll\n',
        `    name: Payroll\n    authentication: { max_age: ${MAX_AGE_SECONDS} }\n`,
      ),
  })
})
afterAll(() => world.close())

/** A new login of the agent, and what its call that needs the API came to. */
async function commissionWith(browser: Browser, prompt?: SignInOptions['prompt']) {
  const login = await world.signIn('alice', { browser, ...(prompt === undefined ? {} : { prompt }) })
  const token = login.token() ?? ''
  const client = await officialClient(world.mount('crm'), token)
  const { isError = false, content } = await client.callTool({ name: 'my_commission', arguments: {} })
  await client.close()
  const { auth_time } = decodeJwt<{ readonly auth_time: number }>(token)
  return { isError, text: JSON.stringify(content), authTime: auth_time }
}

const heard = () => world.received.filter(({ party, url }) => party === 'payroll' && url === '/commission')

test('a sign-in that is too old for an API is made anew by a login with prompt=login, and by no other', async () => {
  const browser = createBrowser()
  world.clock.advance(-BEHIND_SECONDS * 1000)
  const first = await commissionWith(browser)
  expect([first.isError, heard().length]).toEqual([false, 1])

  world.clock.advance((MAX_AGE_SECONDS + 1) * 1000)
  const ordinary = await commissionWith(browser)
  expect([ordinary.isError, ordinary.authTime, heard().length]).toEqual([true, first.authTime, 1])
  expect(ordinary.text).toContain('Begin a login with prompt=login')
  const { text } = await ask(world.service.socket, 'GET', '/audit?limit=20')
  expect(text).toContain('"broker.step_up"')

  const anew = await commissionWith(browser, 'login')
  expect(anew.text).not.toContain('prompt=login')
  expect([anew.isError, heard().length]).toEqual([false, 2])
  expect(anew.authTime).toBeGreaterThan(first.authTime + MAX_AGE_SECONDS)
})
