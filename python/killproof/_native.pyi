import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import GenericAlias, TracebackType
from typing import Any, Final, Generic, Literal, Self, SupportsFloat, SupportsIndex, TypeAlias, TypeVar, final, overload

from typing_extensions import disjoint_base

__all__ = [
    "Array",
    "Lock",
    "OwnerDied",
    "RLock",
    "SharedLock",
    "Synchronized",
    "Transaction",
    "Value",
    "__version__",
    "_restore",
    "attach",
    "built_in_kernels",
    "run_worker",
    "transaction",
    "unlink_names",
]

__version__: str

_T = TypeVar("_T", int, float, bool)

_IntegerType: TypeAlias = (
    Literal["i", "l", "q", "I", "L", "Q"]
    | type[ctypes.c_int]
    | type[ctypes.c_long]
    | type[ctypes.c_longlong]
    | type[ctypes.c_uint]
    | type[ctypes.c_ulong]
    | type[ctypes.c_ulonglong]
    | type[ctypes.c_int32]
    | type[ctypes.c_int64]
    | type[ctypes.c_uint32]
    | type[ctypes.c_uint64]
    | type[ctypes.c_size_t]
    | type[ctypes.c_ssize_t]
)
_FloatType: TypeAlias = Literal["f", "d"] | type[ctypes.c_float] | type[ctypes.c_double]
_BoolType: TypeAlias = type[ctypes.c_bool]

_Integer: TypeAlias = SupportsIndex
_Float: TypeAlias = SupportsFloat | SupportsIndex

class OwnerDied(RuntimeError): ...

@disjoint_base
class SharedLock:
    def acquire(self, block: bool = True, timeout: float | None = None) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...
    @property
    def owner_died(self) -> bool: ...
    def clear_owner_died(self) -> None: ...
    @property
    def name(self) -> str: ...

@final
class Lock(SharedLock):
    def __new__(cls, *, name: str | None = None) -> Lock: ...

@final
class RLock(SharedLock):
    def __new__(cls, *, name: str | None = None) -> RLock: ...

@disjoint_base
class Synchronized(Generic[_T]):
    def get_lock(self, *, strict: bool = False) -> RLock: ...
    def acquire(self, block: bool = True, timeout: float | None = None) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> RLock: ...
    def __exit__(self, *exception: object) -> None: ...
    @property
    def name(self) -> str: ...
    @classmethod
    def __class_getitem__(cls, item: object) -> GenericAlias: ...

@final
class Value(Synchronized[_T]):
    @overload
    def __new__(
        cls, typecode: _IntegerType, value: _Integer = 0, *, lock: Literal[True] | None = True, name: str | None = None
    ) -> Value[int]: ...
    @overload
    def __new__(
        cls, typecode: _FloatType, value: _Float = 0, *, lock: Literal[True] | None = True, name: str | None = None
    ) -> Value[float]: ...
    @overload
    def __new__(
        cls, typecode: _BoolType, value: object = 0, *, lock: Literal[True] | None = True, name: str | None = None
    ) -> Value[bool]: ...
    @property
    def value(self) -> _T: ...
    @value.setter
    def value(self, value: _T) -> None: ...
    @overload
    def add(self: Value[int], number: _Integer, /) -> int: ...
    @overload
    def add(self: Value[float], number: _Float, /) -> float: ...
    @overload
    def __iadd__(self: Value[int], number: _Integer, /) -> Value[int]: ...
    @overload
    def __iadd__(self: Value[float], number: _Float, /) -> Value[float]: ...
    def update(self, function: Callable[[_T], _T]) -> _T: ...
    def get_obj(self) -> ctypes._SimpleCData[_T]: ...

@final
class Array(Synchronized[_T]):
    @overload
    def __new__(
        cls,
        typecode: _IntegerType,
        size_or_iterable: SupportsIndex | Iterable[SupportsIndex],
        *,
        lock: Literal[True] | None = True,
        name: str | None = None,
    ) -> Array[int]: ...
    @overload
    def __new__(
        cls,
        typecode: _FloatType,
        size_or_iterable: SupportsIndex | Iterable[_Float],
        *,
        lock: Literal[True] | None = True,
        name: str | None = None,
    ) -> Array[float]: ...
    @overload
    def __new__(
        cls,
        typecode: _BoolType,
        size_or_iterable: SupportsIndex | Iterable[object],
        *,
        lock: Literal[True] | None = True,
        name: str | None = None,
    ) -> Array[bool]: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> _T: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_T]: ...
    @overload
    def __setitem__(self, index: SupportsIndex, value: _T, /) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[_T], /) -> None: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    @overload
    def add(self: Array[int], index: SupportsIndex, number: _Integer) -> int: ...
    @overload
    def add(self: Array[float], index: SupportsIndex, number: _Float) -> float: ...
    def get_obj(self) -> ctypes.Array[Any]: ...

@final
class Transaction(Generic[_T]):
    def __enter__(self) -> list[_T]: ...
    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None: ...

def transaction(target: Synchronized[_T]) -> Transaction[_T]: ...
def attach(name: str) -> Value[Any] | Array[Any] | Lock | RLock: ...
def unlink_names() -> None: ...
def run_worker(
    args: Sequence[str],
    kernels: Sequence[tuple[str, str, int | None, Callable[[int, int, int], object]]],
    explain: Callable[[BaseException], str],
    tell: Callable[[int, int, str], object] | None = None,
) -> int: ...

built_in_kernels: Final[tuple[str, ...]]

def _restore(what: str, name: str, nonce: int, is_strict: bool) -> Value[Any] | Array[Any] | Lock | RLock: ...
