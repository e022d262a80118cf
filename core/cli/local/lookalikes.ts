import { basename } from 'node:path'
import { nearest } from '../../model/base/nearest.ts'
import { isModule } from '../../load/file/module-file.ts'
import { mayBeScript, parseHeader } from '../../load/task/header.ts'

/** A file that is not read although it looks like a task. */
export interface IgnoredFile {
  path: string
  message: string
  fix: string
  /** It was probably put aside on purpose. */
  meant: boolean
}

/** A file below the tasks directory with its first bytes. */
interface SeenFile {
  path: string
  executable: boolean
  head: string
}

const DEFINES = /^\s*(?:export\s+const\s+)?TASK_DEFINITIONS\s*(?::[^=]+)?=/m
const HEADER = /^\s*(?:#|\/\/)\s*offpeak:/m
/** What is often written instead of a header. */
const NEARLY = /^\s*(?:#|\/\/|--|;|rem\b)\s*(?:@?off-?peak\b[^:]*$|off-?peak\s*[:=]|@offpeak\b)/im
const ASIDE = /(?:~|\.(?:bak|old|orig|save|off|disabled|swp|tmp|rej))$/i
const OTHER = /\.(?:[jt]sx|cjs|cts|zsh|fish|ksh|php|lua|r|ps1|bat|cmd|js|awk|tcl|jl)$/i

/** A comment with a field and its value after a word and a colon. */
const PAIR = /^\s*(?:#|\/\/|--|;|rem\b)\s*@?([a-z_-]{5,10})\s*[:=]\s*[a-z_.]+\s*=/im

/** True for a comment that would be a header if its first word were spelt so: `# ofpeak: schedule = @daily`. */
const isMisspelt = (line: string): boolean => {
  const word = PAIR.exec(line)?.[1]?.toLowerCase()
  return word !== undefined && nearest(word, ['offpeak']) !== null
}

const HEADER_LINE = '# offpeak: schedule = 0 3 * * *'

const endOf = (path: string) => /[^.]*$/.exec(path)![0] === path ? basename(path) : /(?:\.[^.]*|~)$/.exec(path)![0]

const isScript = (path: string) => /\.(?:sh|bash|py|pl|rb)$/.test(path)

/** Why a name, or that of a folder above, is passed over; null if it is not. */
function hiddenBy (path: string): string | null {
  const name = path.split('/').find(part => /^[._]/.test(part) || part === 'node_modules')
  if (name !== undefined) return name === 'node_modules' ? 'it is in node_modules' : `'${name}' begins with ${name[0]}`
  return /\.test\.[^.]+$/.test(path) ? 'it is named as a test' : null
}

function hasHeader ({ path, head }: SeenFile): boolean {
  try {
    return parseHeader(head, path) !== null
  } catch {
    return true
  }
}

type Found = Omit<IgnoredFile, 'path' | 'meant'>

/** A script without a header that offpeak reads. */
function scriptReason ({ path, head }: SeenFile): Found | null {
  const line = head.split('\n').findIndex(text => HEADER.test(text))
  if (line >= 0) return { message: `its header is in line ${line + 1}`, fix: 'Move it to the first 200 lines.' }
  const nearly = head.split('\n').findIndex(text => NEARLY.test(text) || isMisspelt(text))
  if (nearly >= 0) {
    return {
      message: `line ${nearly + 1} is not a header: found '${head.split('\n')[nearly]!.trim().slice(0, 60)}'`,
      fix: `Write it as: ${HEADER_LINE}`
    }
  }
  if (path.endsWith('.py') && DEFINES.test(head)) {
    return {
      message: 'a Python module with TASK_DEFINITIONS is not imported',
      fix: `Make it a script that does its work when it is run, with the line: ${HEADER_LINE}`
    }
  }
  return {
    message: 'it is a script without a header',
    fix: `Add the line: ${HEADER_LINE}; or begin its name with _ if other files use it.`
  }
}

function reasonOf (file: SeenFile): Found | null {
  const { path, executable, head } = file
  const looksLikeTask = DEFINES.test(head) || HEADER.test(head)
  const hidden = hiddenBy(path)
  if (hidden !== null) {
    return looksLikeTask ? { message: hidden, fix: 'Rename it, if it is meant to be a task.' } : null
  }
  if (isModule(path)) return null
  if (mayBeScript(file, head)) return hasHeader(file) ? null : scriptReason(file)
  if (ASIDE.test(path)) {
    return looksLikeTask
      ? { message: `it ends in ${endOf(path)}`, fix: 'Rename it to use it.' }
      : null
  }
  if (HEADER.test(head)) {
    return executable
      ? { message: 'it does not begin with #!', fix: 'Begin it with the program that runs it, such as #!/bin/sh.' }
      : { message: 'it is not executable', fix: `Run: chmod +x ${basename(path)}` }
  }
  if (DEFINES.test(head)) return { message: `it ends in ${endOf(path)}`, fix: 'Name it with .ts, .mts, .js or .mjs.' }
  return OTHER.test(path) && executable
    ? { message: 'it has no #! line and no header', fix: `Begin it with #! and its program, and add: ${HEADER_LINE}` }
    : null
}

/** Why a file is not read although it looks like a task, or null. */
export function lookalike (file: SeenFile): IgnoredFile | null {
  const found = reasonOf(file)
  return found && { path: file.path, ...found, meant: ASIDE.test(file.path) && !isScript(file.path) }
}
