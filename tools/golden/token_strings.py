"""The torture list: strings that part tokenizers from each other."""
import random
import unicodedata

SAMPLES = """The quick brown fox jumps over the lazy dog.
Voix ambiguë d'un cœur qui, au zéphyr, préfère les jattes de kiwis.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Pchnąć w tę łódź jeża lub ośm skrzyń fig.
Съешь ещё этих мягких французских булок, да выпей чаю.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. ΟΔΟΣ ΣΑΣ Σ ΑΣ. ΑΣ1 Σ'Σ
עטלף אבק נס דרך מזגן שהתפוצץ כי חם. שָׁלוֹם
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر. بِسْمِ اللَّهِ
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश क्षत्रिय
আমি কাঁচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না।
யாமறிந்த மொழிகளிலே தமிழ்மொழி போல் இனிதாவது எங்கும் காணோம்
నేను గాజు తినగలను మరియు అలా చేసినా నాకు ఏమి ఇబ్బంది లేదు
ನನಗೆ ಹಾನಿ ಆಗದೆ, ನಾನು ಗಾಜನ್ನು ತಿನ್ನಬಹುದು
എനിക്ക് ഗ്ലാസ് തിന്നാം. അതെന്നെ വേദനിപ്പിക്കില്ല
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน น้ำ
ຂອ້ຍກິນແກ້ວໄດ້ໂດຍທີ່ມັນບໍ່ໄດ້ເຮັດໃຫ້ຂອ້ຍເຈັບ
ខ្ញុំអាចញុំកញ្ចក់បាន ដោយគ្មានបញ្ហារ
ကျွန်တော် ကျွန်မ မှန်စားနိုင်တယ်။
མི་ལ་ཤེལ་ཟ་རུང་། ང་ཤེལ་ཟ་ཐུབ།
天地玄黃，宇宙洪荒。我能吞下玻璃而不伤身体。
色は匂へど散りぬるを。いろはにほへと ちりぬるを ガラスを食べられます。
ｶﾞﾗｽ ﾊﾝｶｸ カ゛ が が ヷ ㌀ ㍿ ㈱
키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.
각 한글 가 ᄒᆞᆫ ㄱㄴㄷ ﾡﾢ
ყველა ადამიანი იბადება თავისუფალი. ᲧᲕᲔᲚᲐ
Բոլոր մարդիկ ծնվում են ազատ։
ሰማይ አይታረስ ንጉሥ አይከሰስ።
ᏣᎳᎩ ꭲꮳꮃꭹ ᎦᏬᏂᎯᏍᏗ
ᐃᓄᒃᑎᑐᑦ ᚠᛇᚻ᛫ᛒᛦᚦ ᚑᚌᚐᚋ 𐌰𐌱𐌲 𒀀𒁀 𓀀𓂀 𐤀𐤁
ᠮᠣᠩᠭᠣᠯ ꦧꦱꦗꦮ ᬩᬮᬶ ꯃꯤꯇꯩ ⵜⴰⵎⴰⵣⵉⵖⵜ 𞤀𞤣𞤤𞤢𞤥
İstanbul ISPARTA ıssız İİ ǅ ǆ Ǆ ẞ ß ŉ ﬀ ﬁ ﬂ ﬃ ﬄ ﬅ ﬆ Ĳ ĳ
ＦＵＬＬ　ＷＩＤＴＨ　１２３　！＂＃ ｆｕｌｌ ￥ ￦ ￠
“curly” ‘quotes’ „low“ ‚single‘ «guillemets» ‹single› ′prime″ ʼmodʼ
a—b–c‒d―e‐f‑g−h…i·j•k†l‡m‰n‱
x² + y³ = z⁴ ½ ⅓ ¼ ⅔ ① ⑳ Ⅷ ⅷ ⓐ Ⓩ ㊀ ₁₂₃ ٠١٢٣ ०१२३ 一二三 𝟘𝟙𝟚 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕳𝖊𝖑𝖑𝖔
♠♣♥♦ ☀☁☂ ✓✔✗✘ ★☆ ♪♫ ∀∂∈ℝ∧∪≡∞ ←↑→↓ ⌘⌥ ░▒▓█ ▁▂▃ ◌̈
$100 €200 £300 ¥400 ₹500 ₿1 100% #hashtag @user user@example.com https://example.com/a?b=c&d=e#f
don't can't won't I'm you're they've she'll he'd it's 'tis DON'T IT'S I'LL YOU'RE 'S'T
C'est l'été. rock'n'roll O'Neill 'quoted' ''double'' d'd'd 's 't 're 've 'm 'll 'd 'ſ
"He said \\"hi\\"" \\n \\t C:\\\\path\\\\file.txt /usr/bin/env `code` ~~~ *bold* _it_ __init__ snake_case camelCase
fn main() { println!("{}", x[0]); } // comment /* block */ #include <stdio.h> if(a&&b||!c){d+=1;}
1234567890 1,234,567.89 3.14159e-10 0x1F 0b1010 1e5 12:34:56 2024-01-31 +1-800-555-0199 1st 2nd 3rd v1.2.3 007
ALL CAPS SENTENCE WITH Mixed CaSe wOrDs AND Ünïcödé ÀÉÎÕÜ
aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbb !!!!!!! ....... ------- ======= ???? ;;;; ((((
pneumonoultramicroscopicsilicovolcanoconiosis Donaudampfschifffahrtsgesellschaftskapitän antidisestablishmentarianism
Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.
a photo of a cat, a photo of a dog. A beautiful sunset over the mountains! two dogs playing in the snow
""".strip().split("\n")

EMOJI = ["😀", "😀😁😂🤣", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴‍☠️", "🇩🇪🇫🇷🇯🇵", "🇩", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "❤", "☺️", "1️⃣ 2️⃣ #️⃣", "🧑🏿‍🚀",
         "👩‍❤️‍💋‍👨 kiss", "I ❤️ 🍕!", "🙂🙃text😉", "🫠🫡🫶", "🪿🫏", "🐦‍🔥🍋‍🟩", "🪏🫆", "😀 ", " 😀", "a😀b", "©️ ®️ ™️"]

SPACES = ["", " ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", " \n ", "\t\t a \t\t", "a b", "a  b", "a   b", " a", "a ", " a ", "  a  ",
          "a\nb", "a\n\nb", "a\r\nb", "a \n b", "a\n \nb", "a\u00a0b", "a\u3000b", "\u00a0", "\u2003a", "a\u2003", "a\u2028b", "a\u2029b", "a\u0085b",
          "a\u200bb", "\u200b", "a\u200cb", "a\u200db", "a\u2060b", "a\ufeffb", "\ufeffBOM", "a\u00adb", "a\u180eb", "\u1680x\u1680", "a\x0bb", "a\x0cb",
          "a\x1cb\x1db\x1eb\x1fb", "   \n\n  x", "x  \n\n   ", "x\n   y", "\n\n\n x", " \t \t x", "end.   ", "end.\n", "tab\tsep\tvalues",
          "line1\nline2\n\nline3\r\nline4", " . , !", "a .b ,c", "hello   world  !  ", "\u2009thin\u202fnarrow\u205fmath", "x \u3000 y", "\u202aLRE\u202c \u202eRLO\u202c"]

CONTROLS = ["\x00", "a\x00b", "\x01\x02\x03", "a\x07b", "a\x08b", "\x1b[31mred\x1b[0m", "a\x7fb", "a\x80b\x9fc", "\x85", "\x91quoted\x92", "\ufffd", "a\ufffdb",
            "\ufffd\ufffd", "\ufffe", "\uffff", "a\ufff9b\ufffac\ufffb", "\ufffcobj", "\ue000\uf8ff", "\U000f0000\U0010fffd", "\U0010ffff", "\u0378\u0379",
            "a\u0378b", "\U0001fbff", "\U000e0001\U000e0041", "\u2066iso\u2069", "\u061cALM", "\u206aold\u206f", "\U0001d173music\U0001d17a"]

MARKS = ["e\u0301", "\u00e9", "E\u0301\u0300", "a\u0323\u0307", "a\u0307\u0323", "\u0301", "\u0301a", " \u0301", "q\u0307\u0323", "\u1e9b\u0323",
         "\u212b \u00c5 A\u030a", "\u03a9 \u2126", "\u1e69 s\u0323\u0307", "o\u0302\u0301 \u1ed1", "Z\u0351\u036b\u0343\u032a\u0302A\u0334\u0335\u033aL\u0321\u034eG\u0337O\u0336",
         "a" + "\u0300" * 40, "\u0915\u094d\u0937", "\u0928\u093c \u0929", "\u09c7\u09be \u09cb", "\u0dd9\u0dca\u0dcf", "\u1100\u1161\u11a8", "\u1112\u1161\u11ab\u1100\u1173\u11af",
         "\uac00\u11a8", "\u3131\u314f", "\u304b\u3099 \u304c", "\u30cf\u309a", "\ufb1d\ufb2a\ufb4b", "\u05e9\u05bc\u05c1", "\u0627\u0653 \u0622", "\u0649\u0670",
         "\ufdfa\ufdfb", "\ufb01\ufb03", "\u01c4\u01c5", "\u1fb3\u0345", "\u0390 \u03b9\u0308\u0301", "\U0001d15e\U0001d160", "\u2adc", "\u0344", "\u0f73\u0f75\u0f81",
         "\U00011935\U00011930", "\U0001133e\U00011347", "\U000114b9\U000114ba", "\u1b05\u1b35", "\u0e33 \u0eb3 \u0edc", "\u115f\u1160", "\u034f a\u034fb", "\u20e3 1\u20e3",
         "\u08e3\u08f0 \u1ab0\u1abe \u1ac1\u1ace", "\U00010efd\U00010eff", "\U0001e4ec\U0001e4ef", "\U00016d63\U00016d67 \U00016d69\U00016d67", "\U00011382\U000113c9", "\U000105d2\u0307",
         "a\u20dd b\u0488", "\ua670x", "\u2f00\u2fd5 \uf900\ufa0e \U0002f800", "\u3300 \u337b \u33ff", "\u1d2c \u1d43 \ua69c \uab5c", "\U0001f100 \U0001f130 \U0001f210"]

SPECIALS = ["<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "a<|endoftext|>b", "<|ENDOFTEXT|>", "<|end oftext|>", "<|endoftext", "<start_of_text>", "<end_of_text>",
            "x<end_of_text>y", "<START_OF_TEXT>", "<s>", "</s>", "a</s>b", "<unk>", "<pad>", "<mask>", "a <mask> b", "a<mask>b", "a   <mask>   b", "<mask><mask>", "[CLS]", "[SEP]",
            "[MASK]", "hello [MASK] world", "[UNK]x", "[PAD][PAD]", "[cls]", "[ MASK ]", "<bos>hello<eos>", "<0x41>", "<0x0A>", "<0xE2><0x82><0xAC>", "<0xZZ>", "<unused3>x<unused10>",
            "<|begin_of_text|>hi<|eot_id|>", "<|im_start|>user\nhi<|im_end|>\n", "<|im_start|>", "\u2581", "\u2581a\u2581b", "a \u2581 b", "\u2581\u2581\u2581", "\u0120", "\u0120a", "\u010a", "a</w>", "</w>", "##ing",
            "##", "<extra_id_0>", "<extra_id_1> x", "&lt;tag&gt;", "&amp;", "&amp;amp;", "&amp;lt;", "&copy; &eacute; &EACUTE; &NTILDE; &hellip;", "&#65;&#x42;", "&#0; &#128; &#xD800; &#1114112; &#x1F600;",
            "AT&T R&D", "&notanentity;", "&not;", "&notit;", "&hellip", "<b>bold</b> &amp; text", "fish &amp chips &lt b", "&nbsp;x&nbsp;", "&#8217;s", "caf&eacute;", "&szlig;&SZLIG;", "&;&#;&#x;"]

MOJIBAKE = ["naïve café", "Ã©tÃ©", "donâ€™t", "schÃ¶n", "â€œquotedâ€\u009d", "Â£5", "l\u00c2\u00a0x", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "âœ” No problems", "voilÃ le travail", "ã\u0083\u0084", "cafÃ\u00a9",
            "\u00bfQu\u00e9? \u00a1S\u00ed!", "25\u00b0C \u00b5m \u00b1 1", "Bj\u00f6rk & Sigur R\u00f3s", "\u0152uvre \u0153uf", "\u00c5ngstr\u00f6m \u00d8re", "S\u00e3o Paulo", "\u00c0 la carte", "T\u0142uste"]


def strings():
    rnd = random.Random(1)
    out = SAMPLES + EMOJI + SPACES + CONTROLS + MARKS + SPECIALS + MOJIBAKE
    # A stretch of every block, assigned and not, alone and between letters.
    for lo in list(range(0x80, 0x3400, 0x80)) + list(range(0xA000, 0xABFF, 0x80)) + list(range(0xF900, 0x10000, 0x80)):
        if lo % 0x200 == 0 or lo >= 0xF900:
            out.append("".join(chr(c) for c in range(lo, lo + 0x80, 5)))
    for lo in range(0x10000, 0x20000, 0x400):
        out.append("x".join(chr(c) for c in range(lo, lo + 0x400, 89)))
    out.append("".join(chr(c) for c in range(0x2EBF0, 0x2EC00)) + "\U000323b0\U00031350\U0002b820")
    out.append("ꟊꟋꟌꟍ\ua7da\ua7dc \U00010d50\U00010d70 \U00010594 \u1c89\u1c8a \u2c2f")
    out.append("\u0897 \u1c89 \u2ffc \u31e4 \U00016100\U0001611e \U00011bc0 \U0001ccf0 \U0001e5d0")
    words = " ".join(SAMPLES).split()
    marks = [chr(c) for c in range(0x300, 0x370)] + ["\u200d", "\ufe0f", "\u20e3", "\u0345", "\u05b0", "\u064b", "\u3099"]
    for n in range(60):  # salads of words, spaces and marks
        s = ""
        for _ in range(rnd.randint(1, 12)):
            k = rnd.random()
            if k < 0.5:
                s += rnd.choice(words)
            elif k < 0.6:
                s += rnd.choice(EMOJI)
            elif k < 0.7:
                s += rnd.choice(marks) * rnd.randint(1, 3)
            elif k < 0.8:
                s += rnd.choice(SPECIALS)
            else:
                c = rnd.randint(0, 0x2FFFF)
                s += "\ufffd" if 0xD800 <= c < 0xE000 else chr(c)
            s += rnd.choice(["", " ", " ", "  ", "\n", "'", "-", "\t"])
        out.append(s)
    out.append(unicodedata.normalize("NFD", " ".join(SAMPLES[:12])))
    return list(dict.fromkeys(out))


def corpus():
    """Text to train small vocabularies on."""
    rnd = random.Random(2)
    words = " ".join(SAMPLES).split()
    lines = SAMPLES * 3 + EMOJI
    for _ in range(600):
        lines.append(" ".join(rnd.choice(words[:60] + words) for _ in range(12)))
    return lines


LONG = [("The quick brown fox jumps. ", 3800), ("a", 100000), (" ", 20000), ("天地玄黃", 4000), ("e\u0301", 4000), ("1", 5000), ("a\u0300" + "\u0301" * 200, 20),
        ("Съешь ещё этих мягких булок\n", 400), ("😀", 3000), ("ab", 10000), ("!?", 5000), ("don't ", 3000)]

if __name__ == "__main__":
    print(len(strings()))
