import { createAgent, type Login, type LoginOptions } from '@tetrapod/agent-sdk'
import { decodeJwt } from 'jose'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { officialClient } from '../support/by-hand.ts'
import { chromiumArguments, findChromium } from '../support/chromium.ts'
import { hireTeam, type Team } from '../support/team.ts'
import { openWorld, passwords, type World } from '../support/world.ts'

const executablePath = findChromium()

const looks = [390, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)

describe.runIf(executablePath !== undefined)('in Chromium, without JavaScript, by keyboard alone', () => {
  let team: Team
  let world: World
  let browser: Browser
  beforeAll(async () => {
    team = await hireTeam(['researcher', 'writer'])
    world = await openWorld({ amend: team.hired({ assistant: ['researcher', 'writer'] }) })
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: [...chromiumArguments],
    })
  })
  afterAll(async () => {
    await browser.close()
    await world.close()
    await team[Symbol.asyncDispose]()
  })

  const opened = async (look: (typeof looks)[number], run: (context: BrowserContext) => Promise<void>) => {
    const { width, colorScheme } = look
    const context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width, height: 844 },
      colorScheme,
    })
    await run(context)
    await context.close()
  }

  /** The whole login of the agent; `walk` takes a person from its first address to the agent's own. */
  const loginBy = async (walk: (url: string) => Promise<string>, options: LoginOptions = {}) => {
    const client = { id: 'assistant', key: world.agentKey }
    const agent = createAgent({ client, redirectUri: world.urls.agent })
    const { url, state } = await agent.begin(world.mount('crm'), options)
    return agent.finish(await walk(url), state)
  }

  test.each(looks)(
    'a person signs in and agrees at $width px, $colorScheme, and the agent works',
    async (look) => {
      await opened(look, async (context) => {
        const page = await context.newPage()
        const complaints = complaintsOf(page)
        const login = await loginBy(
          async (url) => {
            await page.goto(url)
            await fits(page)
            await signIn(page, 'alice')
            await page.waitForURL('**/interaction/**')
            await fits(page)
            expect(await page.locator('h1').textContent()).toBe('Let Test assistant act for you?')
            await press(page, 'Allow')
            await page.waitForURL(`${world.urls.agent}**`)
            return page.url()
          },
          { prompt: 'consent' },
        )
        expect(complaints).toEqual([])
        await uses(login)
      })
    },
  )

  test.each(looks)(
    'a person takes away what they do not want, sees it at /grants, takes it back and signs out at $width px, $colorScheme',
    async (look) => {
      await opened(look, async (context) => {
        const page = await context.newPage()
        const complaints = complaintsOf(page)
        const login = await loginBy(
          async (url) => {
            await page.goto(url)
            await signIn(page, 'bob')
            await page.waitForURL('**/interaction/**')
            await fits(page)
            await focus(page, '[name="scope:crm.write"]')
            await page.keyboard.press('Space')
            await focus(page, '[name="lasts"]:checked')
            await page.keyboard.press('ArrowDown')
            expect(await page.inputValue('[name="lasts"]:checked')).toBe(String(7 * 24 * 3600))
            await press(page, 'Allow')
            await page.waitForURL(`${world.urls.agent}**`)
            return page.url()
          },
          { prompt: 'consent', scopes: ['crm.read', 'crm.write'] },
        )
        expect(decodeJwt(login.token() ?? '')['scope']).toBe('crm.read')
        await uses(login)
        await page.goto(`${world.publicUrl}/grants`)
        await fits(page)
        expect(await page.locator('section').textContent()).not.toContain('Change your customers')
        await press(page, 'Take it back')
        await page.waitForSelector('[role=status]')
        await fits(page)
        await expect(uses(login)).rejects.toThrow()
        await press(page, 'Sign out')
        await page.waitForSelector('h1:text-is("You are signed out")')
        await fits(page)
        expect(complaints).toEqual([])
      })
    },
  )

  test.each(looks)(
    'a person refuses one sub-agent of an agent and keeps the other, at $width px, $colorScheme',
    async (look) => {
      await opened(look, async (context) => {
        const page = await context.newPage()
        const complaints = complaintsOf(page)
        await loginBy(
          async (url) => {
            await page.goto(url)
            await signIn(page, 'alice')
            await page.waitForURL('**/interaction/**')
            await fits(page)
            await focus(page, '[name="agent:researcher"]')
            await page.keyboard.press('Space')
            await press(page, 'Allow')
            await page.waitForURL(`${world.urls.agent}**`)
            return page.url()
          },
          { prompt: 'consent' },
        )
        await page.goto(`${world.publicUrl}/grants`)
        await fits(page)
        const allowed = (await page.locator('section').textContent())?.replace(/\s+/g, ' ')
        expect(allowed).toContain('Test assistant to The writer')
        expect(allowed).not.toContain('The researcher')
        expect(complaints).toEqual([])
      })
    },
  )

  test('Enter in the consent form is a no: nobody agrees by accident', async () => {
    await opened({ width: 1280, colorScheme: 'light' }, async (context) => {
      const page = await context.newPage()
      const denied = loginBy(
        async (url) => {
          await page.goto(url)
          await signIn(page, 'alice')
          await page.waitForURL('**/interaction/**')
          await focus(page, '[name="lasts"]:checked')
          await page.keyboard.press('Enter')
          await page.waitForURL(`${world.urls.agent}**`)
          return page.url()
        },
        { prompt: 'consent' },
      )
      await expect(denied).rejects.toThrow('The login or the consent was refused')
    })
  })

  test('every page has a language, a title, one heading, names for its fields and contrast enough', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await opened({ width: 390, colorScheme }, async (context) => {
        const page = await context.newPage()
        const { url } = await createAgent({
          client: { id: 'assistant', key: world.agentKey },
          redirectUri: world.urls.agent,
        }).begin(world.mount('crm'), { prompt: 'consent' })
        await page.goto(url)
        await readable(page)
        await signIn(page, 'alice')
        await page.waitForURL('**/interaction/**')
        await readable(page)
        for (const path of ['/grants', '/authorize?client_id=nobody', '/sign-in?to=x']) {
          await page.goto(`${world.publicUrl}${path}`)
          await readable(page)
        }
      })
    }
  })

  test('a wrong password is said in words, and the next try works', async () => {
    await opened({ width: 390, colorScheme: 'light' }, async (context) => {
      const page = await context.newPage()
      await loginBy(async (url) => {
        await page.goto(url)
        await page.waitForSelector('#username:focus')
        await page.keyboard.type('bob')
        await page.keyboard.press('Tab')
        await page.keyboard.type('wrong')
        await page.keyboard.press('Enter')
        await page.waitForSelector('[role=alert]')
        expect(await page.inputValue('#username')).toBe('bob')
        await page.waitForSelector('#password:focus')
        await page.keyboard.type(passwords['bob'] ?? '')
        await page.keyboard.press('Enter')
        await page.waitForURL('**/interaction/**')
        await press(page, 'Allow')
        await page.waitForURL(`${world.urls.agent}**`)
        return page.url()
      })
    })
  })

  test('a person who does not agree is brought back to the agent, which is told so', async () => {
    await opened({ width: 1280, colorScheme: 'light' }, async (context) => {
      const page = await context.newPage()
      const denied = loginBy(
        async (url) => {
          await page.goto(url)
          await signIn(page, 'alice')
          await page.waitForURL('**/interaction/**')
          await press(page, 'Do not allow')
          await page.waitForURL(`${world.urls.agent}**`)
          return page.url()
        },
        { prompt: 'consent' },
      )
      await expect(denied).rejects.toThrow('The login or the consent was refused')
    })
  })
})

/** Fills in the form from wherever the focus is: the page puts it into the first field that is empty. */
async function signIn(page: Page, username: string): Promise<void> {
  await page.waitForSelector('input:focus')
  await focus(page, '#username')
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type(username)
  await focus(page, '#password')
  await page.keyboard.type(passwords[username] ?? '')
  await page.keyboard.press('Enter')
}

/** Tabs to the button that says so and presses it. */
async function press(page: Page, label: string): Promise<void> {
  await focus(page, `button:text-is("${label}")`)
  await page.keyboard.press('Enter')
}

/** Tabs until the element has the focus, as a person does who has no mouse. */
async function focus(page: Page, selector: string): Promise<void> {
  for (let stop = 0; stop < 12; stop++) {
    if ((await page.locator(`${selector}:focus`).count()) === 1) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${selector} cannot be reached by keyboard`)
}

/** WCAG 2.2: 1.4.3 (text of 4.5 to 1), 2.4.2, 2.4.6, 3.1.1, 4.1.2. */
async function readable(page: Page): Promise<void> {
  expect(await page.locator('html').getAttribute('lang')).toBe('en')
  expect(await page.title()).toMatch(/^.+ · Tetrapod$/)
  expect(await page.locator('h1').count()).toBe(1)
  expect(await page.evaluate(namesOfFields)).not.toContain('')
  const words = await page.evaluate<readonly Painted[]>(painted)
  expect(words.length).toBeGreaterThan(2)
  for (const { ink, paper, text } of words) {
    expect(contrast(ink, paper), text).toBeGreaterThanOrEqual(4.5)
  }
}

interface Painted {
  readonly ink: string
  readonly paper: string
  readonly text: string
}

/** Run in the page. */
const namesOfFields = `[...document.querySelectorAll('input:not([type=hidden])')].map((it) =>
  [...it.labels].map((label) => label.innerText.trim()).join(' '))`

/** Run in the page: of every element with words, their colour, and the first background behind them that is not clear. */
const painted = `[...document.querySelectorAll('main *')].filter((it) => it.innerText?.trim()).map((it) => {
  let behind = it
  while (behind.parentElement && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement
  return { ink: getComputedStyle(it).color, paper: getComputedStyle(behind).backgroundColor, text: it.innerText }
})`

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [...colour.matchAll(/\d+(?:\.\d+)?/g)].map(([part]) => {
    const share = Number(part) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Nobody scrolls sideways. */
async function fits(page: Page): Promise<void> {
  const { width = 0 } = page.viewportSize() ?? {}
  const [main, root] = await Promise.all(['main', 'html'].map((it) => page.locator(it).boundingBox()))
  expect((main?.x ?? 0) + (main?.width ?? 0)).toBeLessThanOrEqual(width)
  expect(root?.width).toBeLessThanOrEqual(width)
}

/** What the browser refuses or misses: a style that its hash does not allow, a form that may not be sent. */
function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('favicon')) complaints.push(message.text())
  })
  return complaints
}

async function uses(login: Login): Promise<void> {
  const client = await officialClient(login.resource, login.token() ?? '')
  const result = await client.callTool({ name: 'my_commission', arguments: {} })
  expect(result.isError).toBeFalsy()
  await client.close()
}
