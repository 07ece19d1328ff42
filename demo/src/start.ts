import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { serveAuditView } from './launcher/audit-view.ts'
import { type Company, companyAt, people } from './company.ts'
import { ensureConfiguration } from './launcher/configuration-file.ts'
import { brokenPromises } from './walk/expectations.ts'
import { type Options, parseOptions } from './launcher/options.ts'
import { partsOf, tetrapodCommand } from './launcher/parts.ts'
import { checkPorts } from './launcher/ports.ts'
import { Problem } from './launcher/problem.ts'
import { startProcesses } from './launcher/processes.ts'
import { report } from './walk/report.ts'
import { createBrowser } from './walk/scripted-browser.ts'
import { walk } from './walk/walk.ts'

const options = parseOptions(process.argv.slice(2))
if ('usage' in options) {
  const print = options.exitCode === 0 ? console.log : console.error
  print(options.usage)
  process.exitCode = options.exitCode
} else {
  process.exitCode = await start(options).catch((error: unknown) => {
    console.error(error instanceof Problem ? error.message : error)
    return 1
  })
}

/** Runs the whole company until it is stopped, or for one walk. Answers the exit code. */
async function start({ port, data, once, json }: Options): Promise<number> {
  const stopped = untilStopped()
  const company = companyAt(port)
  const folder = resolve(data)
  await checkPorts(company)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const configuration = join(folder, 'tetrapod.yaml')
  await ensureConfiguration(configuration, company)
  const auditView = await serveAuditView(join(folder, 'tetrapod.sock'), company.ports.audit)
  const processes = startProcesses(
    partsOf(company, { folder, configuration, auditUrl: auditView.url }),
    folder,
  )
  try {
    const running = processes.ready.then(() =>
      once ? walkOnce(company, auditView.url, json) : welcome(company, folder),
    )
    return await Promise.race([running.then((code) => code ?? stopped), processes.lost, stopped])
  } finally {
    auditView.close()
    await processes.stop()
  }
}

/** Walks through it, prints every hop, and answers 1 when something is not as it should be. */
async function walkOnce(company: Company, auditUrl: string, json: boolean): Promise<number> {
  const walked = await walk(company, createBrowser(), auditUrl)
  console.log(report(walked))
  const broken = brokenPromises(walked, company)
  for (const sentence of broken) console.error(`Not as it should be: ${sentence}`)
  if (broken.length === 0) console.log('Every hop is as it should be.')
  if (json) console.log(JSON.stringify(walked))
  return broken.length === 0 ? 0 : 1
}

/** Tells the person at the terminal what they can do now. */
function welcome({ agent, mount }: Company, folder: string): undefined {
  const command = `node ${relative(process.cwd(), tetrapodCommand)}`
  const data = `--data ${relative(process.cwd(), folder) || '.'}`
  const who = people.map(({ username, password }) => `${username} / ${password}`).join(', ')
  console.log(`The demo company is running, on this machine alone. Stop it with Ctrl-C.

  Open           ${agent}   (${who})
  Gateway (MCP)  ${mount}
  Grants         ${command} grants list ${data}
  Audit log      ${command} audit tail ${data}
`)
}

/** Resolves with the exit code 0 when somebody ends the launcher. */
function untilStopped(): Promise<number> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(0))
  })
}
