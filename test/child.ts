import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import type { Socket } from 'node:net'

// Tests and benchmarks start processes with these: what they start ends with the process that has imported this file.
export { execFile, execFileSync, fork, spawn, spawnSync } from 'node:child_process'

/** The last folder on the PATH of a guarded process and of all that come from it; it does not exist. */
const MARK = '/nowhere/offpeak-test-'

/** Waits for the end of file 3, without polling, then kills every process that has the mark in its environment, until
 *  none is found for a while: a process that is being started has it only when its program is loaded. */
const WATCHER = `(
  read -r mark <&3
  while read -r _ <&3; do :; done
  passes=0 empty=0
  while [ $passes -lt 500 ] && [ $empty -lt 20 ]; do
    found=$(grep -ls "$mark" /proc/[0-9]*/environ)
    empty=$((empty + 1))
    for file in $found; do empty=0; pid=\${file#/proc/}; kill -9 "\${pid%/environ}"; done
    passes=$((passes + 1))
    sleep 0.05
  done
) &`

/** Kills what comes from this process when it ends, SIGKILL included. The mark is on the PATH because servers and
 *  scripts pass that on where they pass on nothing else; the watcher is no child of this process, whose children some
 *  tests count. */
function guard (): void {
  const { PATH = '' } = process.env
  // Where there is no /proc teardowns have to do; a guarded process guards those that it starts.
  if (!existsSync('/proc/self/environ') || PATH.includes(MARK)) return
  const mark = MARK + randomUUID()
  const watcher = spawn('sh', ['-c', WATCHER], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const pipe = watcher.stdio[3] as Socket
  pipe.write(`${mark}\n`)
  pipe.unref()
  watcher.unref()
  process.env['PATH'] = PATH + delimiter + mark
}

guard()
