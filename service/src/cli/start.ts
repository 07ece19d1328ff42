import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { parseListen } from '#catalogue'
import { readConfiguration } from '../config.ts'
import { build } from '../main.ts'
import { UsageError } from './usage-error.ts'

/** `tetrapod start`: runs the service until it is told to stop. Logs JSON lines to standard error. */
export async function start(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      data: { type: 'string', default: '.tetrapod' },
      listen: { type: 'string' },
    },
  })
  if (values.config === undefined) throw new UsageError('Name the configuration file with --config.')
  const listen = values.listen === undefined ? undefined : parseListen(values.listen)
  if (values.listen !== undefined && listen === undefined)
    throw new UsageError('--listen is host:port, such as 127.0.0.1:4000 or [::1]:4000.')
  const log = pino({ name: 'tetrapod', base: null }, pino.destination({ dest: 2, sync: false }))
  const config = await readConfiguration(values.config)
  const service = await build({ config, file: values.config, dataDirectory: values.data, listen, log })
  for (const warning of service.warnings) log.warn({ warning }, 'configuration')
  try {
    await service.listen()
  } catch (error) {
    await service.close()
    throw error
  }
  log.info({ url: service.publicUrl }, 'ready')
  // What is wrong with it is in the log.
  process.on('SIGHUP', () => void service.reread().catch(() => {}))
  const stop = () => void service.close().then(() => log.info({}, 'stopped'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
}
