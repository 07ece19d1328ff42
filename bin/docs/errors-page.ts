import { glob } from 'node:fs/promises'
import { ServerResponse, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sendFailure } from '../../service/src/gateway/answer.ts'
import { statusOf } from '../../service/src/http/index.ts'
import { declaredFaults, Fault, type Kind } from '../../service/src/kernel/index.ts'
import { whatToCheck } from './what-to-check.ts'

const source = fileURLToPath(new URL('../../service/src', import.meta.url))

/** Modules whose faults end a command or a start: nobody gets them as an HTTP answer. */
const NOT_HTTP = new Set(['catalogue', 'cli', 'policy', 'secrets', 'service'])

/** `docs/errors.md`: every fault that the service declares, in its own words. */
export async function errorsPage(): Promise<string> {
  await declareAll()
  const codes = [...declaredFaults].sort(([a], [b]) => (a < b ? -1 : 1))
  const modules = Map.groupBy(codes, ([code]) => moduleOf(code))
  const sections = [...modules].map(
    ([module, declared]) => `## ${module}\n\n${declared.map(entry).join('\n')}`,
  )
  return `${intro}\n${sections.join('\n')}`
}

/** Imports every `faults.ts` there is, which declares what is in it. */
export async function declareAll(): Promise<void> {
  for await (const file of glob('**/faults.ts', { cwd: source })) {
    await import(pathToFileURL(join(source, file)).href)
  }
}

function entry([code, { kind, message }]: [
  string,
  { readonly kind: Kind; readonly message: string },
]): string {
  const advice = whatToCheck[code]
  const answer = NOT_HTTP.has(moduleOf(code)) ? kind : `${kind}, ${statusFor(code, kind)}`
  return `### \`${code}\`\n\n${message} *(${answer})*\n${advice === undefined ? '' : `\nCheck: ${advice}\n`}`
}

function statusFor(code: string, kind: Kind): string {
  const status = statusOf(kind)
  switch (moduleOf(code)) {
    case 'gateway':
      return gatewayStatus(code, kind)
    // The token endpoint: all that is wrong with a request is a 400 (RFC 6749 §5.2).
    case 'broker':
      return `HTTP ${status < 500 ? 400 : status}`
    default:
      return `HTTP ${status}`
  }
}

/** What the gateway really sends for it. */
function gatewayStatus(code: string, kind: Kind): string {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  let body = ''
  response.end = (chunk: unknown) => {
    body = String(chunk)
    return response
  }
  const silent = { info: () => {}, warn: () => {}, error: () => {} }
  sendFailure(response, new Fault(code, kind, ''), { id: null, log: silent })
  const { error } = JSON.parse(body) as { readonly error: { readonly code: number } }
  return `HTTP ${response.statusCode}, JSON-RPC ${error.code}`
}

function moduleOf(code: string): string {
  return code.slice(0, code.indexOf('.'))
}

const intro = `# Errors

A failure has a stable code, a kind, and a sentence that says what to do. Code and sentence are all that leaves the
process; what is behind them is in the service's log, under the \`reference\` of the answer.

| kind | to the caller |
|---|---|
| invalid | mend the request |
| unauthenticated | prove who you are |
| denied | do not try again like this |
| missing | there is no such thing, or it is not yours to know of |
| conflict | somebody else was first: read again, then try again |
| limited | try again later |
| unavailable | something we need is down: try again later |
| internal | a defect or a damaged installation: for operators |

How a code travels:

- at the gateway, as \`error.data.code\` of a JSON-RPC error; the HTTP status and the JSON-RPC code are given with each;
- at the token endpoint, as the \`error\` that RFC 6749 and RFC 8693 define, with the sentence as \`error_description\`;
- on a page, as the sentence;
- anywhere else over HTTP, as \`{"error": code, "error_description": sentence}\`;
- in a terminal, as the sentence, with the exit code 1.

All that can be wrong with a token has one code and one sentence, so that an answer is no help to somebody who guesses.
Which rule refused is in the audit log.

This page is generated from the code and from \`bin/docs/what-to-check.ts\`; \`npm run docs\` writes it.
`
