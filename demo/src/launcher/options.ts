import { parseArgs } from 'node:util'

export interface Options {
  /** The first of five ports in a row. */
  readonly port: number
  /** The folder that holds configuration, keys, data and logs. */
  readonly data: string
  /** Walk once by script, print every hop, and stop. */
  readonly once: boolean
  /** End the walk with one line of JSON. */
  readonly json: boolean
}

const USAGE = `Usage: npm start -- [--port N] [--data DIR] [--once [--json]] [--help]
  --port N    the first of five ports in a row (default 4000)
  --data DIR  where configuration, keys, data and logs are kept (default .tetrapod)
  --once      walk through it by script, print every hop, and stop: 0 when all is as it should be
  --json      with --once: the last line printed is one JSON document
  --help      print this and stop`
const PORT_MAX = 65_535 - 4

/** What is printed instead of a start, and how the launcher then ends: 0 for who asked for it, else 2. */
export interface Usage {
  readonly usage: string
  readonly exitCode: 0 | 2
}

/** Reads the launcher's arguments. What cannot be read is answered with a sentence and the usage. */
export function parseOptions(argv: readonly string[]): Options | Usage {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string', default: '4000' },
        data: { type: 'string', default: '.tetrapod' },
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return { usage: USAGE, exitCode: 0 }
    const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 0
    if (port < 1 || port > PORT_MAX) return usage(`--port takes a number from 1 to ${PORT_MAX}.`)
    if (values.data === '') return usage('--data takes the name of a folder.')
    if (values.json && !values.once) return usage('--json goes with --once.')
    return { port, data: values.data, once: values.once, json: values.json }
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function usage(sentence: string): Usage {
  return { usage: `${sentence}\n\n${USAGE}`, exitCode: 2 }
}
