"""What is cleaned and masked, as plain regular expressions that mean the same in every engine.

They do on `benchmarks/generate.py`'s messages what preprocess.py does on any: its own rules know
far more forms of numbers, tags and entities. So the others have the lighter job.
"""

COLUMNS = ("message_id", "sender", "sent_at", "text", "lang")
BLOCKS = r"</?(?:p|br|div|li)[^<>]*>"
TAGS = r"<[^<>]+>"
# In this order: what an ampersand was written as is not to be resolved again.
ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " ", "&amp;": "&"}
SPACES = r"\s+"
MASKS = {
    r'https?://[^ <>"]+': "<URL>",
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}": "<EMAIL>",
    r"[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}": "<CARD>",
    r"\+[0-9][0-9 -]{7,}[0-9]|\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}": "<PHONE>",
}
