import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect } from 'node:tls'
import { type Internet, openInternet, PUBLIC } from '../../../test/support/internet.ts'
import { createDiscovered, type Wanted } from './discovered.ts'

const URL_ = 'https://agents.example/client.json'
let internet: Internet
beforeAll(async () => {
  internet = await openInternet(['agents.example', 'corp.example'])
  internet.publish(URL_, { ok: true })
})
afterAll(() => internet.close())
beforeEach(() => internet.move('agents.example', [PUBLIC]))

const get = (wanted: Partial<Wanted> = {}, network = internet.network) =>
  createDiscovered({ network }).get({ url: URL_, accept: 'application/json', bytesMax: 100, ...wanted })
const refused = { code: 'egress.address_refused', kind: 'denied' }

describe('the door to what was learnt', () => {
  test('asks for a public address of a name, and sends nothing but the request', async () => {
    const { status, body } = await get()
    expect([status, body.toString()]).toEqual([200, '{"ok":true}'])
    expect(internet.asked.at(-1)).toEqual({
      url: URL_,
      headers: { host: 'agents.example', connection: 'close', accept: 'application/json' },
    })
    expect(internet.dialled.at(-1)).toBe(PUBLIC)
  })

  test.each([
    ['http', 'http://agents.example/client.json'],
    ['another scheme', 'ftp://agents.example/client.json'],
    ['a file', 'file:///etc/passwd'],
    ['another port', 'https://agents.example:8443/client.json'],
    ['an IPv4 address', `https://${PUBLIC}/client.json`],
    ['an IPv4 address written as a number', 'https://2130706433/client.json'],
    ['an IPv4 address in hexadecimal', 'https://0x7f.1/client.json'],
    ['an IPv6 address', 'https://[2606:4700:4700::1111]/client.json'],
    ['a user name', 'https://user@agents.example/client.json'],
    ['a name without a domain', 'https://localhost/client.json'],
    ['a name with a dot at its end', 'https://agents.example./client.json'],
    ['nothing', 'https://'],
  ])('refuses %s before it asks for any address', async (_, url) => {
    const before = [internet.resolved.length, internet.dialled.length]
    await expect(get({ url })).rejects.toMatchObject(refused)
    expect([internet.resolved.length, internet.dialled.length]).toEqual(before)
  })

  test.each([
    ['loopback', ['127.0.0.1']],
    ['the metadata service of a cloud', ['169.254.169.254']],
    ['a private address', ['10.0.0.5']],
    ['IPv6 loopback', ['::1']],
    ['a mapped address', ['::ffff:10.0.0.5']],
    ['NAT64 of a private address', ['64:ff9b::a00:5']],
    ['one private address among public ones', [PUBLIC, '10.0.0.5']],
    ['one private address before public ones', ['10.0.0.5', PUBLIC]],
    ['something that is no address', ['agents.example']],
  ])('refuses a name that leads to %s, and connects to nobody', async (_, answers) => {
    internet.move('agents.example', answers)
    const before = internet.dialled.length
    await expect(get()).rejects.toMatchObject(refused)
    expect(internet.dialled.length).toBe(before)
  })

  test('a name is looked up once: what it becomes meanwhile (DNS rebinding) is not asked for', async () => {
    internet.move('agents.example', [PUBLIC], ['127.0.0.1'])
    const before = internet.resolved.length
    expect((await get()).status).toBe(200)
    expect(internet.resolved.slice(before)).toEqual(['agents.example'])
    expect(internet.dialled.at(-1)).toBe(PUBLIC)
    await expect(get()).rejects.toMatchObject(refused)
  })

  test('a connection that ends somewhere else than at the checked address is not used', async () => {
    const before = internet.asked.length
    const dial: typeof internet.network.dial = (to) => {
      const socket = internet.network.dial(to)
      return Object.defineProperty(connect({ ...tlsOf(socket), servername: to.host }), 'remoteAddress', {
        value: '127.0.0.1',
      })
    }
    await expect(get({}, { ...internet.network, dial })).rejects.toMatchObject(refused)
    expect(internet.asked.length).toBe(before)
  })

  test('a host without an address, or without anybody there, is unreachable', async () => {
    internet.move('agents.example', [])
    await expect(get()).rejects.toMatchObject({ code: 'egress.unreachable' })
    internet.move('agents.example', [PUBLIC])
    internet.reachable = false
    await expect(get()).rejects.toMatchObject({ code: 'egress.unreachable' })
    internet.reachable = true
  })

  test('a certificate for another name is not accepted', async () => {
    await expect(get({ url: 'https://elsewhere.example/client.json' })).rejects.toMatchObject({
      code: 'egress.unreachable',
    })
  })

  test('a redirect is an answer like any other: nobody follows it', async () => {
    internet.publish('https://agents.example/away', (_, response) =>
      response.writeHead(302, { location: 'https://corp.example/secret' }).end(),
    )
    const before = internet.resolved.length
    expect((await get({ url: 'https://agents.example/away' })).status).toBe(302)
    expect(internet.resolved.slice(before)).toEqual(['agents.example'])
  })

  test('a body is read up to its limit and refused above it, announced or not', async () => {
    internet.publish('https://agents.example/big', (_, response) => response.end('x'.repeat(101)))
    internet.publish('https://agents.example/fits', (_, response) => response.end('x'.repeat(100)))
    internet.publish('https://agents.example/endless', (_, response) => {
      const more = () => response.destroyed || (response.write('x'.repeat(50)) && setImmediate(more))
      more()
    })
    expect((await get({ url: 'https://agents.example/fits' })).body).toHaveLength(100)
    for (const path of ['big', 'endless'])
      await expect(get({ url: `https://agents.example/${path}` })).rejects.toMatchObject({
        code: 'egress.too_large',
      })
  })

  test('who does not answer, or drips, is given up after 2.5 s altogether', async () => {
    internet.publish('https://agents.example/silent', () => {})
    internet.publish('https://agents.example/drip', (_, response) => {
      const timer = setInterval(() => response.write(' '), 200)
      response.once('close', () => clearInterval(timer))
    })
    const never = { ...internet.network, resolve: () => new Promise<never>(() => {}) }
    const tries = [
      get({ url: 'https://agents.example/silent' }),
      get({ url: 'https://agents.example/drip' }),
      get({}, never),
    ]
    await Promise.all(tries.map((one) => expect(one).rejects.toMatchObject({ code: 'egress.timed_out' })))
  }, 10_000)
})

describe('a host that an operator listed', () => {
  const url = 'https://corp.example/client.json'
  beforeAll(() => {
    internet.publish(url, { ok: true })
    internet.publish('https://corp.example:8443/client.json', { ok: true })
  })

  test('may have an address of the company where it is said to be private, and no other host may', async () => {
    internet.move('corp.example', ['10.0.0.5'])
    internet.move('agents.example', ['10.0.0.5'])
    expect((await get({ url, listed: { host: 'corp.example', private: true } })).status).toBe(200)
    await expect(get({ url, listed: { host: 'corp.example', private: false } })).rejects.toMatchObject(
      refused,
    )
    await expect(get({ listed: { host: 'corp.example', private: true } })).rejects.toMatchObject(refused)
  })

  test('may not be this machine, or what is reached from it alone', async () => {
    for (const address of ['127.0.0.1', '::1', '169.254.169.254', 'fe80::1']) {
      internet.move('corp.example', [address])
      await expect(get({ url, listed: { host: 'corp.example', private: true } })).rejects.toMatchObject(
        refused,
      )
    }
  })

  test('may have a port of its own', async () => {
    internet.move('corp.example', [PUBLIC])
    const own = 'https://corp.example:8443/client.json'
    expect((await get({ url: own, listed: { host: 'corp.example:8443', private: false } })).status).toBe(200)
    await expect(get({ url: own, listed: { host: 'corp.example', private: false } })).rejects.toMatchObject(
      refused,
    )
  })
})

/** The same way that a connection of the test network goes, to be opened again. */
function tlsOf(socket: ReturnType<Internet['network']['dial']>) {
  socket.destroy()
  return { host: '127.0.0.1', port: internet.port, ca: internet.certificate }
}
