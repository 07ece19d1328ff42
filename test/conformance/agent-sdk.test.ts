import { beforeAll, describe, expect, test } from 'vitest'
import { expectedFailures } from './expected-failures.ts'
import { runClientSuite, type SuiteRun } from './suite.ts'

const both = [
  'tools_call',
  'auth/metadata-default',
  'auth/metadata-var1',
  'auth/metadata-var2',
  'auth/metadata-var3',
  'auth/basic-cimd',
  'auth/scope-from-www-authenticate',
  'auth/scope-from-scopes-supported',
  'auth/scope-omitted-when-undefined',
  'auth/scope-step-up',
  'auth/scope-retry-limit',
  'auth/token-endpoint-auth-basic',
  'auth/token-endpoint-auth-post',
  'auth/token-endpoint-auth-none',
  'auth/pre-registration',
]
/** What each revision requires of a client, by name. */
const required: Readonly<Record<string, readonly string[]>> = {
  '2025-11-25': [...both, 'initialize', 'elicitation-sep1034-client-defaults', 'sse-retry'],
  '2026-07-28': [
    ...both,
    'request-metadata',
    'auth/resource-mismatch',
    'auth/offline-access-scope',
    'auth/offline-access-not-supported',
    'auth/authorization-server-migration',
    'auth/iss-supported',
    'auth/iss-not-advertised',
    'auth/iss-supported-missing',
    'auth/iss-wrong-issuer',
    'auth/iss-unexpected',
    'auth/iss-normalized',
    'auth/metadata-issuer-mismatch',
    'sep-2322-client-request-state',
    'http-standard-headers',
    'http-custom-headers',
    'http-invalid-tool-headers',
    'json-schema-ref-no-deref',
  ],
}
const counts: Readonly<Record<string, number>> = { '2025-11-25': 18, '2026-07-28': 32 }
/** What nobody has to pass, and we do. */
const extensions = [
  'auth/client-credentials-jwt',
  'auth/client-credentials-basic',
  'json-schema-2020-12-preservation',
]
const SUITE_MS = 400_000

describe.each(Object.entries(required))('the official suite at %s, with the agent SDK', (revision, names) => {
  let run: SuiteRun
  beforeAll(async () => {
    run = await runClientSuite(revision)
  }, SUITE_MS)

  test(`requires ${counts[revision]} scenarios, and each has its line here`, () => {
    expect(new Set(names).size).toBe(counts[revision])
    expect(run.exitCode, run.output.slice(-4000)).toBe(0)
  })

  test.each([...names, ...extensions])('%s passes', (name) => {
    const result = run.results.get(name)
    expect(result?.failed, result?.said).toEqual([])
    expect(result?.succeeded).toBeGreaterThan(0)
  })

  test('fails where the list of expected failures says so, and nowhere else', () => {
    const failed = [...run.results].filter(([, { failed }]) => failed.length > 0).map(([name]) => name)
    expect(failed.sort()).toEqual(Object.keys(expectedFailures).sort())
  })

  test('ran nothing that has no line here', () => {
    const known = new Set([...names, ...extensions, ...Object.keys(expectedFailures)])
    expect([...run.results.keys()].filter((name) => !known.has(name))).toEqual([])
  })
})
