import { readFile, readdir, readlink } from 'node:fs/promises'

const LISTENING = '0A'
const TABLES = ['net/tcp', 'net/tcp6']
/** Words of a command line that are shown. */
const SHOWN = 80

/** The inodes of the sockets that listen on a port, from lines such as
 *  `0: 0100007F:1CFC 00000000:0000 0A … inode`. */
function inodesIn (text: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return text.split('\n').slice(1).flatMap(line => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    return state === LISTENING && local.endsWith(`:${wanted}`) && inode !== undefined ? [inode] : []
  })
}

async function holds (proc: string, pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  // The files of another user's process cannot be listed.
  const files = await readdir(`${proc}/${pid}/fd`).catch(() => [])
  for (const file of files) {
    if (sockets.has(await readlink(`${proc}/${pid}/fd/${file}`).catch(() => ''))) return true
  }
  return false
}

async function nameOf (proc: string, pid: string): Promise<string> {
  const text = await readFile(`${proc}/${pid}/cmdline`, 'utf8').catch(() => '')
  const words = text.split('\0').filter(Boolean).join(' ')
  return `process ${pid}${words === '' ? '' : ` (${words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words})`}`
}

/** The process that listens on a port, such as `process 812 (node server.js)`; null where the system does not tell. */
export async function portOwner (port: number, proc = '/proc'): Promise<string | null> {
  const tables = await Promise.all(TABLES.map(table => readFile(`${proc}/${table}`, 'utf8').catch(() => '')))
  const sockets = new Set(tables.flatMap(text => inodesIn(text, port)).map(inode => `socket:[${inode}]`))
  if (sockets.size === 0) return null
  for (const pid of await readdir(proc)) {
    if (/^\d+$/.test(pid) && await holds(proc, pid, sockets)) return await nameOf(proc, pid)
  }
  return 'a process of another user'
}
