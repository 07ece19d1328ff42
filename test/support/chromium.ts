import { existsSync } from 'node:fs'

const path = '/usr/bin/chromium'

/**
 * The browser of this machine, or undefined when it has none. Throws when `TETRAPOD_REQUIRE` names `chromium` and it is
 * missing: where a browser is promised, a test that needs it does not pass without one.
 */
export function findChromium(): string | undefined {
  if (existsSync(path)) return path
  const required = (process.env['TETRAPOD_REQUIRE'] ?? '').split(',').includes('chromium')
  const message = `${path} is missing: the pages were not tried in a real browser. Install chromium.`
  if (required) throw new Error(message)
  console.warn(message)
  return undefined
}

/** Quiet and alone: no request but to the pages it is sent to. */
export const chromiumArguments: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
