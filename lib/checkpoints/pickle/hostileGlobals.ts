// Names in a pickle that no checkpoint needs: functions that would run programs, read files or open connections in Python.

import type { PyGlobal } from './values.ts';

// Nothing in a pickle is ever called here, so this list protects nobody from anything: it decides which files are refused as hostile
// rather than read past. A path counts with everything below it.
const hostile = new Set(
  [
    'os posix nt posixpath ntpath sys subprocess commands popen2 pty platform shutil runpy importlib imp zipimport pkgutil',
    'socket ssl asyncio multiprocessing ctypes cffi _ctypes code codeop pdb bdb profile cProfile trace timeit doctest pydoc',
    'webbrowser pip ensurepip venv setuptools distutils site urllib urllib2 http httplib requests httpx aiohttp ftplib smtplib',
    'telnetlib poplib imaplib nntplib xmlrpc pickle _pickle cPickle dill cloudpickle joblib marshal shelve types operator',
    '_operator signal threading _thread concurrent gc inspect linecache logging.config idlelib lib2to3 test tempfile fileinput',
    'glob io _io aifc mmap resource crypt getpass sqlite3 tarfile zipfile cgi antigravity bz2 gzip lzma _bootlocale tkinter',
    'functools.reduce functools.singledispatch itertools.starmap contextlib sched queue atexit faulthandler builtins.eval',
    'builtins.exec builtins.execfile builtins.compile builtins.__import__ builtins.open builtins.input builtins.raw_input',
    'builtins.breakpoint builtins.globals builtins.locals builtins.vars builtins.setattr builtins.delattr builtins.exit',
    'builtins.quit builtins.apply builtins.file builtins.reload builtins.map builtins.filter builtins.hasattr builtins.help',
    'builtins.print builtins.iter builtins.next builtins.classmethod builtins.staticmethod builtins.property builtins.super',
    'torch.load torch.hub torch.jit torch.serialization torch.compile torch.package torch.multiprocessing torch.distributed.run',
    'torch.utils.cpp_extension torch.utils.model_zoo torch.utils.bottleneck torch.utils._config_module torch.utils.collect_env',
    'torch.utils.data.datapipes torch._inductor torch._dynamo torch.fx torch.testing torch.os torch.sys torch.storage._load_from_bytes',
    'torch.ops torch.classes torch.onnx torch.save',
    'numpy.load numpy.loadtxt numpy.fromfile numpy.memmap numpy.genfromtxt numpy.testing numpy.f2py numpy.distutils numpy.savetxt',
    'pandas.read_pickle pandas.io pandas.eval nltk.data',
  ].flatMap((line) => line.split(' ')),
);

// PyTorch writes these itself beside sparse and strided tensors.
const harmless = new Set(['torch.serialization._get_layout']);
const segment = /^[A-Za-z_]\w*$/;

/**
 * Whether a global is one that a checkpoint has no use for and an attack has.
 *
 * `builtins` has its name of Python 2 too, `__builtin__`. A path that leads through another module (`torch.serialization.os.system`), and
 * one with names of two underscores at both ends, counts as well, but for `__new__`, with which protocol 2 makes objects.
 */
export function isHostile({ module, name }: PyGlobal): boolean {
  if (harmless.has(`${module}.${name}`)) return false;
  const segments = `${module}.${name}`.replace(/^__builtins?__\./, 'builtins.').split('.');
  for (let end = 1; end <= segments.length; end += 1) {
    if (hostile.has(segments.slice(0, end).join('.'))) return true;
  }
  // Attributes of a class or module, in protocol 4 and by getattr.
  const attributes = name.split('.');
  if (attributes.some((one) => /^__(?!new__$)\w+__$/.test(one))) return true;
  return attributes.slice(1).some((one) => !segment.test(one) || hostile.has(one));
}
