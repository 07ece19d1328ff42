import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { createCookieJar } from './cookie-jar.ts'
import { formsOf, refreshOf, textOf } from './html-forms.ts'
import { createBrowser } from './scripted-browser.ts'

const at = (path: string) => new URL(path, 'http://127.0.0.1:4000')

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function site(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a redirect and a meta refresh are both followed, cookies travel along', async () => {
  const cookies: (string | undefined)[] = []
  const home = await site((request, response) => {
    cookies.push(request.headers.cookie)
    if (request.url === '/') response.writeHead(303, { location: '/next', 'set-cookie': 'a=1; Path=/' }).end()
    else if (request.url === '/next')
      response.end('<meta http-equiv="refresh" content="0; url=/last?x=1&amp;y=2">')
    else response.end(`<p>At ${request.url}</p>`)
  })
  const page = await createBrowser().open(home)
  expect(page.url).toBe(`${home}/last?x=1&y=2`)
  expect(page.text).toBe('At /last?x=1&y=2')
  expect(cookies).toEqual([undefined, 'a=1', 'a=1'])
})

test('a form sends its hidden fields, what was typed and the button that was pressed', async () => {
  const sent: { method: string | undefined; origin: string | undefined; body: string }[] = []
  const home = await site((request, response) => void answer(request).then((html) => response.end(html)))
  async function answer(request: IncomingMessage): Promise<string> {
    if (request.method === 'GET') {
      return `<form method="post" action="/in"><input type=hidden name=to value="a&amp;b"><input name="username">
        <input type="checkbox" name="off"><button name="decision" value="allow">Allow</button></form>`
    }
    sent.push({ method: request.method, origin: request.headers.origin, body: await text(request) })
    return 'done'
  }
  const browser = createBrowser()
  const page = await browser.open(home)
  const [form] = page.forms
  expect(form?.buttons).toEqual([{ name: 'decision', value: 'allow' }])
  await browser.submit(page, form!, { username: 'alice', decision: 'allow' })
  expect(sent).toEqual([{ method: 'POST', origin: home, body: 'to=a%26b&username=alice&decision=allow' }])
})

test('after a redirect the form is not sent a second time', async () => {
  const methods: (string | undefined)[] = []
  const home = await site((request, response) => {
    methods.push(request.method)
    if (request.method === 'POST') response.writeHead(303, { location: '/done' }).end()
    else response.end('<form method=post action=/in></form>')
  })
  const browser = createBrowser()
  const page = await browser.open(home)
  await browser.submit(page, page.forms[0]!)
  expect(methods).toEqual(['GET', 'POST', 'GET'])
})

test('pages that lead in circles end the walk', async () => {
  const home = await site((_, response) => response.writeHead(302, { location: '/' }).end())
  await expect(createBrowser().open(home)).rejects.toThrow('More than 20 redirects')
})

test('a cookie goes to its own path alone, and is gone when it has ended', () => {
  const jar = createCookieJar()
  jar.keep(at('/x'), ['a=1; Path=/sign-in; HttpOnly', 'b=2; Path=/', 'c=3; Path=/; Max-Age=0'])
  expect(jar.for(at('/sign-in/go'))).toBe('a=1; b=2')
  expect(jar.for(at('/sign-inside'))).toBe('b=2')
  jar.keep(at('/x'), ['b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'])
  expect(jar.for(at('/'))).toBeUndefined()
})

test('what is written as an entity is read as the character', () => {
  expect(formsOf(`<form action='/a?b=1&#38;c=2'><input name=q value="&lt;x&gt;"></form>`)[0]).toMatchObject({
    action: '/a?b=1&c=2',
    method: 'get',
    fields: { q: '<x>' },
  })
  expect(refreshOf('<meta charset=utf-8><p>')).toBeUndefined()
  expect(textOf('<head><title>t</title></head><p>Ann &amp; Bob</p>')).toBe('Ann & Bob')
})
