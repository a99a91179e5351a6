"""The words that begin a redirect, in all languages of MediaWiki: data.

Source: the magic word ``redirect`` of MediaWiki's localisation, languages/messages/Messages*.php
of release 1.39.17, without the number sign; words that differ only in case are given once.
"""

from __future__ import annotations

REDIRECT_WORDS = tuple(  # as one text: a tuple of literals would have one line per word
    """
AANSTUUR ADKAS AL ALIAH ALIDIREKTI ALIDIREKTU ALIH ANCAMINAR AÝDAW BERALÎKIRIN BIRZUZENDU
DASKEDYANS DEURVERWIEZING DIRECCIÓN DIRIJAR DOORVERWIJZING DUURVERWIEZING ENDRECERA
FIHODINANA HETENAYIŞ KIAHOU KÚFÙ LEIDT_ÖM_OP LENCONG OHJAUS OMDIRIGER OMDIRIGERING
OĐĐASITSTIVREN PATRZ PERADRESAVIMAS PREUSMERI PREUSMERITEV PREUSMJERI PRZEKIERUJ PUPINAH
PUSAPUNA PŘESMĚRUJ REDIRECCIO REDIRECCION REDIRECCIÓ REDIRECCIÓN REDIRECIONAMENTO REDIRECT
REDIRECTEAZA REDIRECTION REDIRÈCCION REENDRECERA RENVIAMENT RIDREJTO RIMANDO RINDIRIZZA
RINVIA RINVIO STIR STIVREN TAM TOJƏDƏN_İSTİĞOMƏT_DOY UUDELLEENOHJAUS VARDA VIRULEEDUNG
WEITERLEITUNG YONALTIRISH YOʻNALTIRISH YÖNLENDİR YÖNLENDİRME YÖNNENDİR YÖNNENDİRMÄ
YÖNNENDİRMÄKLER YÜNÄLTÜ ail-cyfeirio ailgyfeirio athsheoladh presmeruj saadaq suuna tilvísun
wiederleiden ÁTIRÁNYÍTÁS ÆРВИТÆН ÆРВЫСТ ÖMLEIDE ÖMLEIDE_OP ÖMLEIDUNG đổi İSTİQAMƏTLƏNDİR
İSTİQAMƏTLƏNDİRMƏ ΑΝΑΚΑΤΕΥΘΥΝΣΗ АЙДАУ ПЕРЕНАПРАВЛЕННЯ ПРѢНАПРАВЛЄНИѤ Преусмери Преусмјери
РАРВЫСТ ЧИГЛҮҮЛЭГ ШИГЛЕДИР ЮНӘЛТҮ види виж джибериу дӀасахьажор' көжүрүлге ластар
перанакіраваньне перенапр перенаправление пренасочване пренасочување равона редирект утаарыы
утр хьажайо ՎԵՐԱՀՂՈՒՄ ՎԵՐԱՅՂՈՒՄ הפניה ווייטערפירן ايداۋ بور تحويل تغییر_مسیر تغییرمسیر
رجوع_مکرر مڑجوڑ چوريو ڕەوانەکەر ܨܘܝܒܐ अनुप्रेषित अनुप्रेषितम् पुनर्निदेशन पुनर्निर्दिष्टम्
पुनर्निर्देशन पुनर्प्रेषित पुर्ननिर्देशन পুনঃনির্দেশ পুনঃর্নির্দেশ পুননির্দেশ পুনর্নির্দেশ
ਰੀਡਿਰੈਕਟ ଲେଉଟାଣି வழிமாற்று దారిమార్పు തിരിച്ചുവിടുക തിരിച്ചുവിടൽ යළියොමුව เปลี่ยนทาง
გადამისამართება បញ្ជូនបន្ត ប្ដូរចំណងជើង ប្ដូរទីតាំង ប្ដូរទីតាំងទៅ ប្តូរទីតាំង ប្តូរទីតាំងទៅ
リダイレクト 転送 重定向 重新導向 넘겨주기
""".split()  # noqa: SIM905
)
