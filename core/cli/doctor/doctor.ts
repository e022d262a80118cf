import type { Check } from './checks.ts'
import type { Finding } from './finding.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { diagnose, isWell } from './checks.ts'
import { gather } from './gather.ts'
import { plain, print, printJson, styled } from '../terminal/output.ts'

const STYLES = { fault: 'red', warning: 'yellow', note: 'cyan', ok: 'green' } as const
const WIDE = 'permissions'.length + 2

const word = (level: keyof typeof STYLES) => styled(STYLES[level], level.padEnd(9))

const linesOf = (check: string, { level, message, fix }: Finding): string[] => {
  const text = plain(message).replaceAll(/\s*\n\s*/g, '; ')
  return [`${word(level)}${check.padEnd(WIDE)}${text}`, ...fix === null ? [] : [`${' '.repeat(9 + WIDE)}${plain(fix)}`]]
}

/** The lines of the report. */
function report (checks: readonly Check[]): string[] {
  const applied = checks.flatMap(({ check, findings }) => findings === null ? [] : [{ check, findings }])
  const fine = applied.filter(({ findings }) => findings.length === 0).map(({ check }) => check)
  const found = applied.flatMap(({ findings }) => findings).filter(({ level }) => level !== 'note').length
  return [
    ...fine.length === 0 ? [] : [`${word('ok')}${fine.join(', ')}`],
    ...applied.flatMap(({ check, findings }) => findings.flatMap(finding => linesOf(check, finding))),
    found === 0 ? 'offpeak is well.' : `${found} finding${found === 1 ? '' : 's'}.`
  ]
}

/** Checks everything that may keep tasks from running, and prints each symptom with its cure. */
export async function doctor (given: RemoteOptions): Promise<void> {
  const facts = await gather(given, { now: Date.now(), env: process.env })
  const checks = diagnose(facts)
  const ok = isWell(checks)
  process.exitCode = ok ? 0 : 1
  if (!given.json) return print(report(checks).join('\n'))
  const { url, answer } = facts.server
  printJson({ ok, server: { url, running: answer === 'yes' }, checks: checks.filter(one => one.findings !== null) })
}
