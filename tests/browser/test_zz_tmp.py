import pytest
from tests.browser.accessibility import violations, report
from projects.models import *
from projects import suspension
from django.utils import timezone
@pytest.mark.parametrize("width", [400, 1280])
def test_zz(log_in, superuser, owner, movespec, width):
    owner.create_session(movespec)
    suspension.suspend(Project.objects.create(name="Sus", organization=owner.organization), now=timezone.now())
    page = log_in("root", viewport={"width": width, "height": 900})
    found=[]
    n=[0]
    def check(name):
        for scheme in ("light","dark"):
            page.emulate_media(color_scheme=scheme)
            found.extend(violations(page, where=f"{name} ({scheme})"))
            page.screenshot(path=f"/tmp/shots/{width}-{name}-{scheme}.png", full_page=True)
        w=page.evaluate("document.documentElement.scrollWidth")
        if w>width: print("WIDE",name,w)
    k=owner.credential.id; p=owner.project.id; o=owner.organization.id
    for name,path in {"org":f"organization/{o}/change/","orgs":"organization/","proj":f"project/{p}/change/","projs":"project/","projadd":"project/add/","susp":f"project/{p}/suspend/","keys":f"apikey/?project__id__exact={p}","key":f"apikey/{k}/change/","rot":f"apikey/{k}/rotate/","rev":f"apikey/{k}/revoke/","add":"apikey/add/"}.items():
        page.goto("/admin/projects/"+path); check(name)
    page.locator(".select2-selection").click(); page.locator(".select2-search__field").fill("own"); page.locator(".select2-results__option", has_text="owner").click()
    page.locator("[name=name]").fill("Gateway")
    page.locator("[value=Issue]").click()
    page.wait_for_selector("#secret")
    check("secret")
    page.keyboard.press("Tab")
    page.locator("text=Copy").first.click()
    page.wait_for_timeout(300)
    print("STATUS", page.locator("[role=status]").inner_text())
    page.reload(); page.wait_for_timeout(500); print("URL", page.url); check("reloaded")
    page.goto(f"/admin/projects/apikey/{k}/rotate/")
    page.locator("[name=reason]").fill("x"); page.locator("[value=Rotate]").click(); page.wait_for_selector("#secret"); check("rotated")
    print(report(found)); assert 0
