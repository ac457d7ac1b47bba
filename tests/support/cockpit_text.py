"""Reading what a person sees of a page, and telling what of it is not Chinese.

Belongs here: collecting visible words from the page, the words that are right although they have
Latin letters. What is drawn inside a canvas cannot be read.
"""

from __future__ import annotations

import re
from typing import Any

COLLECT = """() => {
  const words = new Set();
  const seen = one => {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return style.visibility !== 'hidden' && style.display !== 'none' && style.fontSize !== '0px'
      && box.width > 1 && box.height > 1;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      const parent = node.parentElement;
      if (node.nodeValue.trim() && !['STYLE', 'SCRIPT', 'NOSCRIPT'].includes(parent.tagName) && seen(parent)) {
        words.add('text: ' + node.nodeValue.trim());
      }
      continue;
    }
    if (!seen(node)) continue;
    // The label of an icon or of a window's closing cross is its name in the component library; nobody sees it.
    const names = node.getAttribute('role') === 'img' || node.matches('.ant-modal-close, .ant-modal-close *') ? ['title'] : ['title', 'placeholder', 'aria-label', 'alt'];
    for (const name of names) {
      const word = (node.getAttribute(name) || '').trim();
      if (word) words.add(name + ': ' + word);
    }
    if (node.tagName === 'INPUT' && node.type !== 'password' && node.value.trim()) {
      words.add('value: ' + node.value.trim());
    }
  }
  words.add('title: ' + document.title);
  return [...words];
}"""
# Units, the name of a delivery's list, the confidence of a threshold's source, numbers of records and hashes, percentages and dates.
ALLOWED = re.compile(
    r"\b(kg|L|CSV|Excel|PDF|PNG|XLSX)\b"
    r"|(?<=\d)(kg|g|mm|cm|ml|L)(?![A-Za-z])"
    r"|\bcontrol\.json\b"
    r"|（[SABCD]）"
    r"|\b(?=[\w~:.\-]*\d)[A-Za-z0-9_~:.\-]+\b"
)
LATIN = re.compile(r"[A-Za-z]")


def words(page: Any) -> set[str]:
    """Every word that a person can see or hover on the page, as ``kind: word``."""
    return set(page.evaluate(COLLECT))


def not_chinese(found: set[str], names: set[str] = frozenset()) -> list[str]:
    """Those of the words that hold Latin letters which are neither allowed nor one of the given names."""
    return sorted(word for word in found if LATIN.search(_rest(word.split(": ", 1)[1], names)))


def _rest(word: str, names: set[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        word = word.replace(name, "")
    return ALLOWED.sub("", word)
